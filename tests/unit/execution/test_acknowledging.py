"""What becomes of the message of a task that failed: ``acks_on_failure`` and ``acks_on_timeout``."""

from collections.abc import Iterator
from typing import Any

import pytest

from sedano import Sedano, states
from sedano.brokers.settlement import Bury, Finish, Record, Requeue, Settlement
from sedano.execution.ending import TimedOut
from sedano.execution.executor import Executor
from tests.unit.execution.test_executor import job_for, stored


@pytest.fixture
def app() -> Iterator[Sedano]:
    app = Sedano("proj", broker="memory://acknowledging", set_as_current=False)
    yield app
    app.close()


def settled(
    app: Sedano, options: dict[str, Any], *, ending: TimedOut | None = None, acknowledged: bool = False
) -> Settlement:
    @app.task(**options)
    def fail() -> None:
        raise ValueError("why")

    job = job_for(fail, acknowledged=acknowledged)
    if ending is not None:
        job = type(job)(job.delivery, acknowledged, ending=ending)
    return Executor(app, node="w@host").execute(job).settlement


@pytest.mark.parametrize("options", [{"acks_on_failure": False}, {"acks_on_failure_or_timeout": False}])
def test_a_task_that_raised_is_buried_with_its_result_where_failures_are_kept(
    app: Sedano, options: dict[str, Any]
) -> None:
    settlement = settled(app, options)

    assert isinstance(settlement, Bury)
    assert settlement.reason == "ValueError: why"
    assert not settlement.crashed
    assert stored(settlement.result).status == states.FAILURE


@pytest.mark.parametrize("options", [{"acks_on_timeout": False}, {"acks_on_failure_or_timeout": False}])
def test_a_task_past_its_limit_is_tried_again_as_after_a_crash(app: Sedano, options: dict[str, Any]) -> None:
    settlement = settled(app, options, ending=TimedOut(5.0))

    assert isinstance(settlement, Requeue)
    assert settlement.crashed
    assert settlement.due is not None
    assert settlement.due > app.clock.timestamp()


@pytest.mark.parametrize(
    ("options", "ending"),
    [
        ({}, None),
        ({}, TimedOut(5.0)),
        ({"acks_on_failure": False}, TimedOut(5.0)),
        ({"acks_on_timeout": False}, None),
        ({"acks_on_failure": True, "acks_on_failure_or_timeout": False}, None),
    ],
)
def test_any_other_message_is_done_with(
    app: Sedano, options: dict[str, Any], ending: TimedOut | None
) -> None:
    assert isinstance(settled(app, options, ending=ending), Finish)


def test_the_settings_speak_where_the_task_does_not(app: Sedano) -> None:
    app.conf.task_acks_on_failure_or_timeout = False
    assert isinstance(settled(app, {}), Bury)

    app.conf.task_acks_on_failure = True
    assert isinstance(settled(app, {}), Finish)
    assert isinstance(settled(app, {}, ending=TimedOut(5.0)), Requeue)


def test_a_message_that_is_gone_already_is_not_kept(app: Sedano) -> None:
    assert isinstance(settled(app, {"acks_on_failure": False}, acknowledged=True), Record)
