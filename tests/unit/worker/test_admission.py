"""Which messages may run now, and what becomes of the others."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from sedano.brokers.settlement import Park, Requeue
from sedano.execution.ending import TIME_TO_TELL, Crashed, Expired, Revoked
from sedano.execution.job import Job
from sedano.testing.clock import ManualClock
from sedano.worker.admission import Admission
from tests.unit.worker.conftest import delivery, plan, traits


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def admission(clock: ManualClock, **changes: object) -> Admission:
    return Admission(plan(**changes), clock=clock)


def iso(clock: ManualClock, seconds: float) -> str:
    moment = datetime.fromtimestamp(clock.timestamp(), UTC) + timedelta(seconds=seconds)
    return moment.isoformat()


def test_a_plain_message_may_run(clock: ManualClock) -> None:
    message = delivery()

    assert admission(clock).admit(message) == Job(message)


def test_a_message_of_an_unknown_task_is_parked(clock: ManualClock) -> None:
    assert admission(clock).admit(delivery(5, "unknown")) == Park(5)


def test_of_an_expired_message_only_the_end_is_told(clock: ManualClock) -> None:
    message = delivery(5, expires=iso(clock, -1))

    assert admission(clock).admit(message) == Job(message, ending=Expired(), time_limit=TIME_TO_TELL)


def test_of_a_revoked_message_only_the_end_is_told_and_it_stays_until_then(clock: ManualClock) -> None:
    message = delivery(5, expires=iso(clock, -1), headers={"revoked": True})
    judge = admission(clock, tasks={"short": traits(acks_late=False)})

    assert judge.admit(message) == Job(message, ending=Revoked(), time_limit=TIME_TO_TELL)
    assert judge.admit(delivery(headers={"revoked": "by a header of the user's"})) == Job(
        delivery(headers={"revoked": "by a header of the user's"}), acknowledged=True
    )


def test_a_message_that_crashed_once_too_often_is_not_run_again(clock: ManualClock) -> None:
    judge = admission(clock, max_crashes=3)

    allowed, ended = judge.admit(delivery(crashes=3)), judge.admit(delivery(crashes=4))

    assert isinstance(allowed, Job)
    assert allowed.ending is None
    assert isinstance(ended, Job)
    assert isinstance(ended.ending, Crashed)
    assert ended.ending.counted
    assert "crash 4" in ended.ending.reason


def test_a_message_that_is_not_due_goes_back_until_it_is(clock: ManualClock) -> None:
    verdict = admission(clock).admit(delivery(5, eta=iso(clock, 30)))

    assert isinstance(verdict, Requeue)
    assert verdict.due == pytest.approx(clock.timestamp() + 30, abs=0.001)
    assert not verdict.crashed


def test_a_ripe_eta_and_a_distant_expiry_change_nothing(clock: ManualClock) -> None:
    verdict = admission(clock).admit(delivery(eta=iso(clock, -1), expires=iso(clock, 60)))

    assert isinstance(verdict, Job)


def test_the_message_s_limits_go_before_the_task_s_and_those_before_the_node_s(clock: ManualClock) -> None:
    tasks = {"short": traits(time_limit=20.0), "long": traits()}
    judge = admission(clock, tasks=tasks, time_limit=30.0, soft_time_limit=3.0)

    of_message = judge.admit(delivery(time_limit=10.0))
    of_task = judge.admit(delivery())
    of_node = judge.admit(delivery(task="long"))

    assert [verdict.time_limit for verdict in (of_message, of_task, of_node) if isinstance(verdict, Job)] == [
        10.0,
        20.0,
        30.0,
    ]
    assert isinstance(of_node, Job)
    assert of_node.soft_time_limit == 3.0


def test_tasks_that_chose_early_acknowledgement_are_marked(clock: ManualClock) -> None:
    verdict = admission(clock, tasks={"short": traits(acks_late=False)}).admit(delivery())

    assert isinstance(verdict, Job)
    assert verdict.acknowledged


def test_what_nobody_could_name_is_left_to_a_child(clock: ManualClock) -> None:
    nameless = msgspec.structs.replace(delivery(), task="")

    verdict = admission(clock, time_limit=30.0).admit(nameless)

    assert verdict == Job(nameless, time_limit=30.0)


def test_a_damaged_message_is_refused_by_a_child_whatever_its_times_say(clock: ManualClock) -> None:
    damaged = msgspec.structs.replace(delivery(eta=iso(clock, 30)), malformed="why")

    assert admission(clock).admit(damaged) == Job(damaged)


def test_headers_that_cannot_be_read_are_left_to_a_child(clock: ManualClock) -> None:
    broken = delivery()
    envelope = msgspec.structs.replace(broken.envelope, headers=b"not json")

    verdict = admission(clock).admit(msgspec.structs.replace(broken, envelope=envelope))

    assert isinstance(verdict, Job)


def test_headers_are_not_read_of_a_message_whose_broker_knows_that_they_hold_no_conditions(
    clock: ManualClock,
) -> None:
    message = msgspec.structs.replace(delivery(expires=iso(clock, -1)), unconditional=True)

    assert admission(clock).admit(message) == Job(message)
