"""How jobs are settled that did not end by themselves."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from sedano.brokers.settlement import Bury, Finish, Record, Requeue, Settlement
from sedano.errors import TimeLimitExceeded
from sedano.execution.ending import ChordComplete, Crashed, Ending, Expired, Revoked, TimedOut
from sedano.execution.job import Job
from sedano.message.header_peek import peek
from sedano.results import celery_meta
from sedano.results.result_write import ResultWrite
from sedano.testing.clock import ManualClock
from sedano.worker.child_link import ChildLink, Wreckage
from sedano.worker.endings import Endings
from sedano.worker.verdict_results import VerdictResults
from tests.unit.worker.conftest import delivery, job, plan, traits


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def endings(clock: ManualClock) -> Endings:
    made = plan()
    return Endings(made, results=VerdictResults(made, clock=clock), clock=clock)


@pytest.fixture
def child() -> Iterator[ChildLink]:
    link = ChildLink(1, plan().posts[0], 0.0)
    link.pid = 4711
    yield link
    link.close()


def error_in(result: ResultWrite | None) -> str:
    assert result is not None
    return repr(celery_meta.decode(result.task_id, result.document).result)


def settlements_of(endings: Endings, child: ChildLink, left: Wreckage, code: int = -9) -> list[Settlement]:
    settlements, to_tell = endings.of_dead_child(child, left, code, 300 * 1024)
    assert to_tell == []
    return settlements


def told_of(endings: Endings, child: ChildLink, left: Wreckage, code: int = -9) -> list[Job]:
    settlements, to_tell = endings.of_dead_child(child, left, code, 300 * 1024)
    assert settlements == []
    return to_tell


def test_a_crash_is_counted_and_its_task_waits_longer_each_time(
    endings: Endings, child: ChildLink, clock: ManualClock
) -> None:
    waits = []
    for crashes in range(3):
        left = Wreckage([job(1, crashes=crashes)], [], [])
        (settlement,) = settlements_of(endings, child, left, -signal.SIGSEGV)
        assert isinstance(settlement, Requeue)
        assert settlement.crashed
        assert settlement.due is not None
        waits.append(round(settlement.due - clock.timestamp(), 3))

    assert waits == [1.0, 2.0, 4.0]


def test_after_one_crash_too_many_the_handlers_are_told_of_signal_and_memory(
    endings: Endings, child: ChildLink
) -> None:
    (to_tell,) = told_of(endings, child, Wreckage([job(1, crashes=3)], [], []))

    assert isinstance(to_tell.ending, Crashed)
    assert "signal 9 (SIGKILL)" in to_tell.ending.reason
    assert "300 MB" in to_tell.ending.reason


def test_handlers_that_kill_their_process_too_are_left_out_and_then_nobody_is_told(
    endings: Endings, child: ChildLink
) -> None:
    (to_tell,) = told_of(endings, child, Wreckage([job(1, crashes=3)], [], []))
    assert not to_tell.silent

    (again,) = told_of(endings, child, Wreckage([to_tell], [], []))
    assert again.silent
    assert again.ending == to_tell.ending

    (settlement,) = settlements_of(endings, child, Wreckage([again], [], []))
    assert isinstance(settlement, Bury)
    assert settlement.crashed
    assert "SIGKILL" in settlement.reason
    assert "SIGKILL" in error_in(settlement.result)


def test_what_was_finished_but_not_reported_runs_again_uncounted(endings: Endings, child: ChildLink) -> None:
    left = Wreckage([], [], [job(1), job(2)])

    assert settlements_of(endings, child, left) == [Requeue(1), Requeue(2)]


def test_a_child_killed_for_its_time_limit_leaves_an_ending_to_tell(
    endings: Endings, child: ChildLink
) -> None:
    child.killed_for = TimeLimitExceeded(5.0)

    (to_tell,) = told_of(endings, child, Wreckage([job(1, time_limit=5.0)], [], []))

    assert to_tell.ending == TimedOut(5.0)
    assert to_tell.time_limit == 5.0
    untold = endings.untold(to_tell)
    assert isinstance(untold, Finish)
    assert "TimeLimitExceeded" in error_in(untold.result)


def test_coroutines_beside_the_one_that_overran_go_back(endings: Endings, child: ChildLink) -> None:
    child.killed_for, child.killed_tag = TimeLimitExceeded(5.0), 2

    settlements, to_tell = endings.of_dead_child(child, Wreckage([job(1), job(2), job(3)], [], []), -9, 0)

    assert settlements == [Requeue(1), Requeue(3)]
    assert [ended.delivery.tag for ended in to_tell] == [2]


def test_a_node_that_stops_counts_nothing_against_its_tasks(endings: Endings, child: ChildLink) -> None:
    child.killed_for = "the node stopped"

    assert settlements_of(endings, child, Wreckage([job(1, crashes=3)], [], [])) == [Requeue(1)]


def test_an_acknowledged_job_that_crashed_has_ended(endings: Endings, child: ChildLink) -> None:
    (to_tell,) = told_of(endings, child, Wreckage([job(1, acknowledged=True)], [], []), -11)

    assert isinstance(to_tell.ending, Crashed)
    untold = endings.untold(to_tell)
    assert isinstance(untold, Record)
    assert untold.tag is None
    assert not untold.follow_ups
    assert "SIGSEGV" in error_in(untold.result)


@pytest.mark.parametrize(
    ("ending", "settlement"),
    [
        (Expired(), Requeue(1, begun=False)),
        (Revoked(), Requeue(1, begun=False)),
        (Crashed("signal 9"), Requeue(1, crashed=True)),
        (Crashed("signal 9", counted=True), Requeue(1)),
        (ChordComplete(("g",)), Requeue(1)),
    ],
)
def test_an_ending_that_finds_no_child_is_another_node_s_to_tell(
    endings: Endings, ending: Ending, settlement: Settlement
) -> None:
    assert endings.unstarted(job(1, ending=ending)) == settlement


def test_a_task_of_a_workflow_that_timed_out_runs_again_rather_than_leave_the_others_waiting(
    endings: Endings,
) -> None:
    chain = [{"task": "short", "options": {"task_id": "next"}}]
    of_workflow = Job(delivery(1, chain=chain), ending=TimedOut(5.0))

    assert endings.untold(of_workflow) == Requeue(1)
    assert isinstance(endings.untold(job(1, ending=TimedOut(5.0))), Finish)
    assert endings.must_stay(of_workflow)


@pytest.mark.parametrize("workflow", [{}, {"chain": [{"task": "short", "options": {"task_id": "next"}}]}])
def test_a_task_that_is_tried_again_after_its_limit_is_so_where_nobody_can_be_told(
    clock: ManualClock, workflow: dict[str, Any]
) -> None:
    made = plan(tasks={"short": traits(acks_on_timeout=False)})
    endings = Endings(made, results=VerdictResults(made, clock=clock), clock=clock)
    overran = Job(delivery(1, crashes=1, **workflow), ending=TimedOut(5.0))

    for settlement in (endings.untold(overran), endings.unheard(overran)):
        assert isinstance(settlement, Requeue)
        assert settlement.crashed
        assert settlement.due == clock.timestamp() + 2.0
        assert "TimeLimitExceeded" in error_in(settlement.result)


def test_what_is_tried_again_after_its_limit_is_not_so_where_its_message_is_gone(clock: ManualClock) -> None:
    made = plan(tasks={"short": traits(acks_on_timeout=False)})
    endings = Endings(made, results=VerdictResults(made, clock=clock), clock=clock)

    settlement = endings.untold(job(1, acknowledged=True, ending=TimedOut(5.0)))

    assert isinstance(settlement, Record)
    assert not settlement.follow_ups


def test_a_task_without_a_message_leaves_one_that_tells_the_workflow(
    endings: Endings, child: ChildLink
) -> None:
    child.killed_for = "the node stopped"
    of_workflow = Job(delivery(1, chain=[{"task": "short"}]), acknowledged=True)

    (settlement,) = settlements_of(endings, child, Wreckage([of_workflow], [], []))

    assert isinstance(settlement, Record)
    (message,) = settlement.follow_ups
    headers = peek(message.envelope.headers)
    assert headers is not None
    assert headers.revoked is True
    assert headers.expires is not None
    assert headers.id == "id-1"


def test_a_body_that_cannot_be_started_has_failed_after_some_crashes(
    endings: Endings, child: ChildLink
) -> None:
    first = job(1, crashes=2, ending=ChordComplete(("g",)))
    (settlement,) = settlements_of(endings, child, Wreckage([first], [], []))
    assert isinstance(settlement, Requeue)
    assert settlement.crashed

    (last,) = told_of(endings, child, Wreckage([job(1, crashes=3, ending=ChordComplete(("g",)))], [], []))
    assert isinstance(last.ending, ChordComplete)
    assert "SIGKILL" in (last.ending.failure or "")

    (buried,) = settlements_of(endings, child, Wreckage([last], [], []))
    assert isinstance(buried, Bury)


def test_an_acknowledged_job_that_never_began_is_published_again(endings: Endings) -> None:
    waiting = job(1, acknowledged=True)

    settlement = endings.unstarted(waiting)

    assert isinstance(settlement, Record)
    (again,) = settlement.follow_ups
    assert (again.task_id, again.envelope) == ("id-1", waiting.delivery.envelope)
