"""How jobs are settled that did not end by themselves."""

import signal
from collections.abc import Iterator

import pytest

from sedano.brokers.settlement import Bury, Finish, Record, Requeue
from sedano.errors import TimeLimitExceeded
from sedano.results import celery_meta
from sedano.results.result_write import ResultWrite
from sedano.testing.clock import ManualClock
from sedano.worker.child_link import ChildLink, Wreckage
from sedano.worker.endings import Endings
from sedano.worker.verdict_results import VerdictResults
from tests.unit.worker.conftest import job, plan


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def endings(clock: ManualClock) -> Endings:
    made = plan()
    return Endings(made, results=VerdictResults(made, clock=clock), clock=clock)


@pytest.fixture
def child() -> Iterator[ChildLink]:
    link = ChildLink(1)
    link.pid = 4711
    yield link
    link.close()


def error_in(result: ResultWrite | None) -> str:
    assert result is not None
    return repr(celery_meta.decode(result.task_id, result.document).result)


def test_a_crash_is_counted_and_its_task_waits_longer_each_time(
    endings: Endings, child: ChildLink, clock: ManualClock
) -> None:
    waits = []
    for crashes in range(3):
        left = Wreckage([job(1, crashes=crashes)], [], [])
        (settlement,) = endings.of_dead_child(child, left, -signal.SIGSEGV, 2048)
        assert isinstance(settlement, Requeue)
        assert settlement.crashed
        assert settlement.due is not None
        waits.append(round(settlement.due - clock.timestamp(), 3))

    assert waits == [1.0, 2.0, 4.0]


def test_one_crash_too_many_buries_the_task_with_signal_and_memory(
    endings: Endings, child: ChildLink
) -> None:
    left = Wreckage([job(1, crashes=3)], [], [])

    (settlement,) = endings.of_dead_child(child, left, -signal.SIGKILL, 300 * 1024)

    assert isinstance(settlement, Bury)
    assert "signal 9 (SIGKILL)" in settlement.reason
    assert "300 MB" in settlement.reason
    assert "WorkerLostError" in error_in(settlement.result) or "TaskCrashed" in error_in(settlement.result)


def test_what_was_finished_but_not_reported_runs_again_uncounted(endings: Endings, child: ChildLink) -> None:
    left = Wreckage([], [], [job(1), job(2)])

    assert endings.of_dead_child(child, left, 1, 0) == [Requeue(1), Requeue(2)]


def test_a_child_killed_for_its_time_limit_fails_the_task_and_finishes_the_message(
    endings: Endings, child: ChildLink
) -> None:
    child.killed_for = TimeLimitExceeded(5.0)

    (settlement,) = endings.of_dead_child(child, Wreckage([job(1)], [], []), -9, 0)

    assert isinstance(settlement, Finish)
    assert "TimeLimitExceeded" in error_in(settlement.result)


def test_coroutines_beside_the_one_that_overran_go_back(endings: Endings, child: ChildLink) -> None:
    child.killed_for, child.killed_tag = TimeLimitExceeded(5.0), 2

    settlements = endings.of_dead_child(child, Wreckage([job(1), job(2), job(3)], [], []), -9, 0)

    assert settlements[0] == Requeue(1)
    assert isinstance(settlements[1], Finish)
    assert settlements[2] == Requeue(3)


def test_a_node_that_stops_counts_nothing_against_its_tasks(endings: Endings, child: ChildLink) -> None:
    child.killed_for = "the node stopped"

    assert endings.of_dead_child(child, Wreckage([job(1, crashes=3)], [], []), -9, 0) == [Requeue(1)]


def test_an_acknowledged_job_that_crashed_fails_and_does_not_come_back(
    endings: Endings, child: ChildLink
) -> None:
    (settlement,) = endings.of_dead_child(child, Wreckage([job(1, acknowledged=True)], [], []), -11, 0)

    assert isinstance(settlement, Record)
    assert settlement.tag is None
    assert not settlement.follow_ups
    assert "SIGSEGV" in error_in(settlement.result)


def test_an_acknowledged_job_that_never_began_is_published_again(endings: Endings) -> None:
    waiting = job(1, acknowledged=True)

    settlement = endings.unstarted(waiting)

    assert isinstance(settlement, Record)
    (again,) = settlement.follow_ups
    assert (again.task_id, again.envelope) == ("id-1", waiting.delivery.envelope)
