"""What a node refuses at its start, because its slots could not keep it."""

import pytest

from sedano.cli.pool_limits import check_limits, check_slots
from sedano.errors import ConfigurationError
from tests.unit.worker.conftest import plan, traits


def test_a_task_with_a_hard_limit_needs_a_slot_that_can_be_killed() -> None:
    tasks = {"proj.slow": traits(time_limit=5.0)}

    with pytest.raises(
        ConfigurationError, match=r"task proj\.slow: a thread cannot be killed.*threads=9,prefork=2"
    ):
        check_slots(plan(pools={"threads": 9}, tasks=tasks))
    assert check_slots(plan(pools={"threads": 9, "prefork": 1}, tasks=tasks)) == []


def test_the_limit_of_the_worker_needs_such_a_slot_too() -> None:
    with pytest.raises(ConfigurationError, match=r"^a thread cannot be killed, so time_limit \(5 s\)"):
        check_slots(plan(pools={"threads": 9}, time_limit=5.0))

    (warning,) = check_slots(plan(pools={"threads": 9, "prefork": 1}, time_limit=5.0))
    assert "the threads have nothing to do" in warning


def test_coroutines_keep_their_limits_everywhere() -> None:
    tasks = {"nap": traits(is_coroutine=True, time_limit=5.0, soft_time_limit=1.0)}

    assert check_slots(plan(pools={"threads": 9}, tasks=tasks)) == []


def test_soft_limits_are_kept_in_threads() -> None:
    assert check_slots(plan(pools={"threads": 9}, tasks={"a": traits(soft_time_limit=1.0)})) == []


def test_a_task_cannot_ask_for_a_thread_and_a_hard_limit() -> None:
    tasks = {"a": traits(pool="threads", time_limit=5.0)}

    with pytest.raises(ConfigurationError, match="pool='threads' and time_limit"):
        check_slots(plan(pools={"threads": 9, "prefork": 1}, tasks=tasks))


@pytest.mark.parametrize(
    ("kind", "is_coroutine", "error"),
    [
        ("gevent", False, "the kinds of slots are prefork, threads and asyncio"),
        ("asyncio", False, "functions run in slots of prefork and threads"),
        ("threads", True, "`async def` tasks run in slots of asyncio"),
    ],
)
def test_a_task_cannot_ask_for_slots_that_it_cannot_run_in(kind: str, is_coroutine: bool, error: str) -> None:
    tasks = {"proj.task": traits(pool=kind, is_coroutine=is_coroutine)}

    with pytest.raises(ConfigurationError, match=error):
        check_slots(plan(tasks=tasks))


def test_what_is_left_to_other_workers_is_told() -> None:
    tasks = {"a": traits(pool="prefork"), "b": traits(pool="prefork", time_limit=5.0), "c": traits()}

    (warning,) = check_slots(plan(pools={"threads": 9}, tasks=tasks))

    assert warning == "No prefork slots here (--pool prefork=N): left to other workers are a, b."


def test_the_solo_pool_keeps_no_limits() -> None:
    with pytest.raises(ConfigurationError, match="task a: the solo pool cannot keep time limits"):
        check_limits(plan(pool="solo", tasks={"a": traits(soft_time_limit=1.0)}))
