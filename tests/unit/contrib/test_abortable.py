"""Tasks that look whether they shall stop."""

from collections.abc import Iterator
from typing import Any

import pytest

from sedano import Sedano, Task, group
from sedano.contrib.abortable import ABORTED, AbortableAsyncResult, AbortableTask
from sedano.errors import ConfigurationError


@pytest.fixture
def app() -> Iterator[Sedano]:
    with Sedano("proj", broker="memory://") as app:
        yield app


@pytest.fixture
def count(app: Sedano) -> Task[..., Any]:
    """Counts up to a number, unless it shall stop."""

    @app.task(bind=True, base=AbortableTask, name="tests.count")
    def count(self: Any, end: int, stopped_by: int | None = None) -> Any:
        for number in range(end):
            if self.is_aborted():
                return f"stopped at {number}"
            if number == stopped_by:
                AbortableAsyncResult[Any](self.request.id).abort()
            self.update_state(state="PROGRESS", meta={"done": number})
        return end

    return count


def test_a_call_gives_a_result_that_can_be_aborted(count: Task[..., Any]) -> None:
    result = count.delay(3)

    assert isinstance(result, AbortableAsyncResult)
    assert not result.is_aborted()

    result.abort()

    assert (result.state, result.is_aborted(), result.ready()) == (ABORTED, True, False)
    assert count.AsyncResult(result.id).is_aborted()


def test_many_calls_give_results_that_can_be_aborted(count: Task[..., Any]) -> None:
    results = count.publish_many([(1,), (2,)])

    assert all(isinstance(result, AbortableAsyncResult) for result in results)


def test_a_signature_and_a_workflow_give_results_that_can_be_aborted(count: Task[..., Any]) -> None:
    last = (count.s(1) | count.si(2)).delay()

    for result in (count.s(1).delay(), last, last.parent, group(count.s(1)).delay()[0], count.s(1).freeze()):
        assert isinstance(result, AbortableAsyncResult)


def test_a_task_that_was_aborted_before_it_began_stops_at_once(app: Sedano, count: Task[..., Any]) -> None:
    AbortableAsyncResult[Any]("t-1", app=app).abort()

    assert count.apply((3,), task_id="t-1").get() == "stopped at 0"


def test_a_running_task_stops_when_it_looks(count: Task[..., Any]) -> None:
    assert count.apply((9,), {"stopped_by": 4}, task_id="t-1").get() == "stopped at 5"


def test_a_task_that_nobody_aborts_runs_to_its_end(count: Task[..., Any]) -> None:
    assert count.apply((3,), task_id="t-1").get() == 3


def test_progress_does_not_take_the_place_of_an_abortion(app: Sedano, count: Task[..., Any]) -> None:
    result = AbortableAsyncResult[Any]("t-1", app=app)
    count.update_state("t-1", "PROGRESS", {"done": 1})
    assert result.state == "PROGRESS"

    result.abort()
    count.update_state("t-1", "PROGRESS", {"done": 2})

    assert result.is_aborted()


def test_what_has_ended_is_not_aborted(app: Sedano, count: Task[..., Any]) -> None:
    app.conf.task_store_eager_result = True
    count.apply((3,), task_id="t-1")
    result = AbortableAsyncResult[int]("t-1", app=app)

    result.abort()

    assert (result.state, result.get()) == ("SUCCESS", 3)


def test_a_start_that_is_recorded_does_not_take_the_place_of_an_abortion(
    app: Sedano, count: Task[..., Any]
) -> None:
    app.conf.task_track_started = True

    assert not count.track_started


def test_the_result_of_another_task_cannot_be_aborted(app: Sedano) -> None:
    @app.task(name="tests.plain")
    def plain() -> None: ...

    assert not hasattr(plain.delay(), "abort")


def test_where_results_are_not_kept_nothing_is_aborted(app: Sedano, count: Task[..., Any]) -> None:
    app.conf.result_backend = "disabled"

    with pytest.raises(ConfigurationError, match="Results are not kept"):
        count.AsyncResult("t-1").abort()  # type: ignore[attr-defined]

    assert count.apply((3,), task_id="t-1").get() == 3


def test_a_task_that_is_merely_called_is_not_aborted(count: Task[..., Any]) -> None:
    assert not count.is_aborted()  # type: ignore[attr-defined]
