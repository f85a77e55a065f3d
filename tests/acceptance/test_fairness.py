"""No ready task waits while a slot that may run it is free."""

import time
from collections.abc import Callable
from types import ModuleType

import pytest

from tests.acceptance.workers import Journal, Worker, wait_until

pytestmark = pytest.mark.acceptance

StartWorker = Callable[..., Worker]


def test_quick_tasks_behind_a_long_one_go_to_a_free_worker(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    start_worker("-c", "1").wait_until_ready()
    project.work.delay("long", 15.0)
    quick = [project.work.delay(f"q{n}") for n in range(4)]
    wait_until(lambda: journal.counts("start")["long"], what="the long one runs")

    start_worker("-c", "1").wait_until_ready()
    ready_at = time.time()
    wait_until(lambda: all(result.successful() for result in quick), what="the quick ones are done")

    assert max(journal.times("done", f"q{n}")[0] for n in range(4)) - ready_at < 10
    assert not journal.counts("done")["long"]


def test_a_task_that_turns_out_long_does_not_hold_those_behind_it(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    start_worker("-c", "2").wait_until_ready()
    warm_up = [project.work.delay(f"warm{n}") for n in range(300)]
    wait_until(lambda: all(result.successful() for result in warm_up), what="its pace is known as short")

    project.work.delay("long", 15.0)
    behind = [project.work.delay(f"b{n}") for n in range(300)]

    wait_until(
        lambda: all(result.successful() for result in behind), timeout=10, what="the other slot did them"
    )
    assert not journal.counts("done")["long"]
    assert set(journal.counts("start").values()) == {1}


def test_coroutine_tasks_start_while_every_synchronous_slot_is_busy(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    start_worker("-c", "1").wait_until_ready()
    project.work.delay("long", 15.0)
    wait_until(lambda: journal.counts("start")["long"], what="the long one runs")

    naps = [project.nap.delay(f"n{n}", 0.5) for n in range(50)]

    wait_until(lambda: all(nap.successful() for nap in naps), timeout=10, what="the naps are over")
    assert not journal.counts("done")["long"]


def test_many_coroutine_tasks_run_at_once_in_one_child(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    start_worker("-c", "1").wait_until_ready()

    naps = [project.nap.delay(n, 1.0) for n in range(90)]
    wait_until(lambda: all(nap.successful() for nap in naps), timeout=20, what="the naps are over")

    first = min(journal.times("start", n)[0] for n in range(90))
    last = max(journal.times("done", n)[0] for n in range(90))
    assert last - first < 10  # one after the other they would take 90 s
    assert len(journal.pids("start")) == 1
