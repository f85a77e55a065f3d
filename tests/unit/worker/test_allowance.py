"""What is claimed next: never more than free slots fit."""

import pytest

from sedano.worker.allowance import Allowance, Wish
from sedano.worker.placement import Placement
from tests.unit.worker.conftest import job, plan, traits

TASKS = {"short": traits(time_limit=5.0), "long": traits(), "nap": traits(is_coroutine=True)}


@pytest.fixture
def placement() -> Placement:
    return Placement(plan(pools={"prefork": 1, "threads": 9}, tasks=TASKS))


@pytest.fixture
def allowance() -> Allowance:
    return Allowance()


def test_any_messages_do_while_every_kind_has_room(allowance: Allowance, placement: Placement) -> None:
    allowance.set({"prefork": 2, "threads": 9, "asyncio": 6})

    assert allowance.wish(placement, by_task=True) == Wish(2)


def test_nothing_is_claimed_that_has_no_slot(allowance: Allowance, placement: Placement) -> None:
    allowance.set({"prefork": 0, "threads": 9, "asyncio": 6})

    assert allowance.wish(placement, by_task=True) == Wish(6, ["long", "nap"])
    assert allowance.wish(placement, by_task=False) == Wish(0)


def test_nothing_is_claimed_while_all_are_busy(allowance: Allowance, placement: Placement) -> None:
    allowance.set({"prefork": 1, "threads": 1, "asyncio": 0})
    allowance.count([job(1, slot="prefork"), job(2, slot="threads")])

    assert allowance.wish(placement, by_task=True) == Wish(0)


def test_a_full_claim_is_followed_by_one_for_the_kind_with_the_most_room(
    allowance: Allowance, placement: Placement
) -> None:
    allowance.set({"prefork": 2, "threads": 90, "asyncio": 6})
    first = allowance.wish(placement, by_task=True)

    allowance.note_claimed(first, 2, placement)
    second = allowance.wish(placement, by_task=True)
    allowance.note_claimed(second, 90, placement)

    assert second == Wish(90, ["long"], narrowed=True)
    assert allowance.wish(placement, by_task=True) == Wish(2)


def test_kinds_of_slots_that_no_task_needs_do_not_matter(allowance: Allowance) -> None:
    placement = Placement(plan(pools={"prefork": 1, "threads": 9}, tasks={"long": traits()}))
    allowance.set({"prefork": 0, "threads": 9})

    assert allowance.wish(placement, by_task=False) == Wish(9)


def test_what_has_come_in_vain_is_told_from_what_there_is_room_for(allowance: Allowance) -> None:
    allowance.set({"prefork": 1, "threads": 2})
    jobs = [job(n, slot="prefork" if n % 2 else "threads") for n in range(1, 7)]

    fitting, excess = allowance.split(jobs)

    assert [one.delivery.tag for one in fitting] == [1, 2, 4]
    assert [one.delivery.tag for one in excess] == [3, 5, 6]


def test_only_more_is_news(allowance: Allowance) -> None:
    assert allowance.set({"prefork": 1})
    assert not allowance.set({"prefork": 1})
    assert not allowance.set({})
    assert allowance.set({"threads": 1})
