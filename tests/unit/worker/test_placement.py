"""Which kind of slot a task runs in."""

import pytest

from sedano.worker.placement import Placement
from sedano.worker.posts import Post, places, posts_for
from tests.unit.worker.conftest import plan, traits

PLAIN = traits()
NAP = traits(is_coroutine=True)


@pytest.mark.parametrize(
    ("pools", "function", "limited", "coroutine"),
    [
        ({"prefork": 2}, "prefork", "prefork", "asyncio"),
        ({"threads": 9}, "threads", "threads", "asyncio"),
        ({"asyncio": 9}, "prefork", "prefork", "asyncio"),
        ({"prefork": 2, "threads": 9}, "threads", "prefork", "asyncio"),
        ({"prefork": 2, "asyncio": 9}, "prefork", "prefork", "asyncio"),
        ({"threads": 9, "asyncio": 9}, "threads", "threads", "asyncio"),
    ],
)
def test_functions_run_in_threads_where_there_are_any_unless_they_may_have_to_be_killed(
    pools: dict[str, int], function: str, limited: str, coroutine: str
) -> None:
    placement = Placement(plan(pools=pools))

    assert placement.slot_for(PLAIN, None) == function
    assert placement.slot_for(PLAIN, 5.0) == limited
    assert placement.slot_for(NAP, 5.0) == coroutine


def test_what_died_with_its_process_runs_where_it_can_be_told_from_others() -> None:
    placement = Placement(plan(pools={"prefork": 1, "threads": 9}))

    assert placement.slot_for(PLAIN, None, crashed=True) == "prefork"
    assert placement.slot_for(traits(pool="threads"), None, crashed=True) == "threads"


def test_a_task_that_asks_for_slots_which_are_not_there_is_left_to_others() -> None:
    tasks = {"a": traits(pool="prefork"), "b": traits(pool="threads"), "c": PLAIN, "nap": NAP}
    placement = Placement(plan(pools={"threads": 9}, tasks=tasks))

    assert placement.here == {"b": "threads", "c": "threads", "nap": "asyncio"}
    assert placement.elsewhere == {"a": "prefork"}
    assert placement.kinds == {"threads", "asyncio"}
    assert placement.tasks_of(["threads"]) == ["b", "c"]


def test_the_solo_pool_has_one_slot_for_everything() -> None:
    tasks = {"a": traits(pool="threads"), "nap": NAP}
    placement = Placement(plan(pool="solo", tasks=tasks))

    assert placement.here == {"a": "prefork", "nap": "prefork"}


def test_children_share_the_coroutine_slots_unless_those_are_named() -> None:
    assert posts_for({"prefork": 2, "threads": 9}, coroutines_each=3) == (
        Post("prefork", 2, True, 0, 3),
        Post("threads", 1, False, 9, 3),
    )
    assert posts_for({"prefork": 2, "asyncio": 9}, coroutines_each=3) == (
        Post("prefork", 2, True, 0, 0),
        Post("asyncio", 1, False, 0, 9),
    )


def test_the_asyncio_pool_alone_has_a_slot_for_functions() -> None:
    posts = posts_for({"asyncio": 9}, coroutines_each=3)

    assert posts == (Post("asyncio", 1, True, 0, 9),)
    assert places(posts, "prefork") == 1
