"""What a caller can learn of a task through its id."""

import copy
import pickle
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from sedano import AsyncResult, Sedano, shared_task, states
from sedano.errors import ConfigurationError, NotSupported, TaskRevoked, TaskTimeout
from sedano.results import celery_meta
from sedano.results.eager_result import EagerResult
from sedano.results.task_meta import TaskMeta

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@shared_task(name="tests.async_result_ping")
def ping() -> int:
    return 1


@pytest.fixture
def app() -> Iterator[Sedano]:
    with Sedano("proj", broker="memory://") as app:
        yield app


@pytest.fixture
def store(app: Sedano) -> Callable[[TaskMeta], None]:
    """Store a result, as a worker does."""

    def put(meta: TaskMeta) -> None:
        write = celery_meta.to_write(meta, app.settings.results, now=app.clock.timestamp())
        assert app.results is not None
        app.results.put([write])

    return put


def test_a_task_that_nobody_knows_is_pending(app: Sedano) -> None:
    result = app.AsyncResult("t-1")

    assert (result.state, result.status, result.result, result.traceback) == (
        "PENDING",
        "PENDING",
        None,
        None,
    )
    assert not result.ready()
    assert not result.exists()


def test_a_finished_task_tells_its_result(app: Sedano, store: Callable[[TaskMeta], None]) -> None:
    result = app.AsyncResult("t-1")
    store(TaskMeta.succeeded("t-1", 42, finished_at=NOW))

    assert (result.state, result.result, result.info, result.get()) == ("SUCCESS", 42, 42, 42)
    assert (result.ready(), result.successful(), result.failed()) == (True, True, False)
    assert (result.date_done, result.exists(), result.task_id) == (NOW, True, "t-1")


def test_a_failed_task_raises_what_it_raised(app: Sedano, store: Callable[[TaskMeta], None]) -> None:
    result = app.AsyncResult("t-1")
    store(TaskMeta.failed("t-1", KeyError("gone"), finished_at=NOW, traceback="Traceback ..."))

    with pytest.raises(KeyError, match="gone"):
        result.get()
    with pytest.raises(KeyError):
        result.maybe_throw()
    assert isinstance(result.get(propagate=False), KeyError)
    assert (result.failed(), result.successful(), result.traceback) == (True, False, "Traceback ...")


def test_a_state_of_the_users_own_is_shown_until_the_next(
    app: Sedano, store: Callable[[TaskMeta], None]
) -> None:
    result = app.AsyncResult("t-1")
    store(TaskMeta.custom("t-1", "PROGRESS", {"done": 1}))
    before = (result.state, result.info, result.ready())
    store(TaskMeta.succeeded("t-1", "end", finished_at=NOW))

    assert before == ("PROGRESS", {"done": 1}, False)
    assert result.get() == "end"


def test_waiting_ends_when_the_result_comes(app: Sedano, store: Callable[[TaskMeta], None]) -> None:
    result = app.AsyncResult("t-1")
    assert not result.ready()
    looked = threading.Event()
    writer = threading.Thread(
        target=lambda: looked.wait(5) and store(TaskMeta.succeeded("t-1", 42, finished_at=NOW))
    )
    writer.start()

    got = result.get(timeout=10, interval=0.01, on_interval=looked.set)

    writer.join()
    assert got == 42


def test_a_task_that_waits_exists_and_one_that_was_never_published_does_not(app: Sedano) -> None:
    waiting, later = ping.delay(), ping.apply_async(countdown=60)

    assert (waiting.exists(), later.exists(), app.AsyncResult("never").exists()) == (True, True, False)
    assert waiting.state == later.state == app.AsyncResult("never").state == states.PENDING


def test_a_task_without_a_result_is_gone_when_it_has_ended(app: Sedano) -> None:
    result = app.send_task("proj.ping", ignore_result=True)
    assert result.exists()

    app.broker.admin.purge("celery")

    assert not result.exists()


def test_without_a_result_store_a_task_exists_while_its_message_does() -> None:
    app = Sedano("proj", broker="memory://", backend="disabled", set_as_current=False)
    result = app.send_task("proj.ping")

    assert (result.exists(), app.AsyncResult("never").exists()) == (True, False)


def test_waiting_ends_when_the_time_is_up(app: Sedano) -> None:
    with pytest.raises(TaskTimeout):
        app.AsyncResult("t-1").get(timeout=0.02)
    with pytest.raises(TimeoutError):
        app.AsyncResult("t-1").wait(timeout=0)


def test_a_callback_is_told_the_result(app: Sedano, store: Callable[[TaskMeta], None]) -> None:
    told = []
    store(TaskMeta.succeeded("t-1", 42, finished_at=NOW))

    app.AsyncResult("t-1").get(callback=lambda task_id, value: told.append((task_id, value)))

    assert told == [("t-1", 42)]


def test_a_failed_parent_ends_the_waiting(app: Sedano, store: Callable[[TaskMeta], None]) -> None:
    store(TaskMeta.failed("first", ValueError("no"), finished_at=NOW))
    result = AsyncResult[int]("second", app=app, parent=app.AsyncResult("first"))

    with pytest.raises(ValueError, match="no"):
        result.get(timeout=5)
    assert result.as_tuple() == (("second", (("first", None), None)), None)


def test_a_forgotten_result_is_gone(app: Sedano, store: Callable[[TaskMeta], None]) -> None:
    result = app.AsyncResult("t-1")
    store(TaskMeta.succeeded("t-1", 42, finished_at=NOW))
    result.get()

    result.forget()

    assert result.state == "PENDING"


def test_a_revoked_task_says_so_to_those_who_wait(app: Sedano) -> None:
    result = ping.delay()

    result.revoke()

    assert app.broker.admin.find(result.id) is None
    assert result.state == states.REVOKED
    with pytest.raises(TaskRevoked, match="revoked"):
        result.get()


def test_a_finished_task_is_not_revoked(app: Sedano, store: Callable[[TaskMeta], None]) -> None:
    store(TaskMeta.failed("t-1", ValueError("no"), finished_at=NOW))

    app.AsyncResult("t-1").revoke()

    assert app.AsyncResult("t-1").state == states.FAILURE


def test_what_cannot_be_done_is_refused(app: Sedano) -> None:
    result = app.AsyncResult("t-1")

    with pytest.raises(NotSupported, match="terminate"):
        result.revoke(terminate=True)
    with pytest.raises(NotSupported, match="on_message"):
        result.get(on_message=print)
    with pytest.raises(ValueError, match="expected a task's id, got None"):
        app.AsyncResult(None)  # type: ignore[arg-type]


def test_without_a_result_store_a_result_says_what_to_set() -> None:
    app = Sedano("proj", broker="memory://", backend="disabled", set_as_current=False)

    with pytest.raises(ConfigurationError, match="Set result_backend"):
        app.AsyncResult("t-1").get()


def test_an_id_alone_asks_the_current_application(app: Sedano, store: Callable[[TaskMeta], None]) -> None:
    store(TaskMeta.succeeded("t-1", 42, finished_at=NOW))

    assert AsyncResult[int]("t-1").get() == 42


def test_a_result_is_its_id(app: Sedano, store: Callable[[TaskMeta], None]) -> None:
    store(TaskMeta.succeeded("t-1", 42, finished_at=NOW))
    result = app.AsyncResult("t-1")

    assert result == app.AsyncResult("t-1")
    assert result == "t-1"
    assert result != app.AsyncResult("t-2")
    assert len({result, app.AsyncResult("t-1")}) == 1
    assert (str(result), repr(result)) == ("t-1", "<AsyncResult: t-1>")
    assert pickle.loads(pickle.dumps(result)).get() == 42  # noqa: S301
    assert copy.copy(result) == result


@pytest.mark.parametrize("state", [states.SUCCESS, states.FAILURE, states.RETRY])
def test_an_eager_result_is_there_already(state: str) -> None:
    value: Any = 42 if state == states.SUCCESS else KeyError("gone")
    result = EagerResult[int]("t-1", value, state, traceback="text", name="proj.add")

    assert (result.id, result.state, result.result, result.traceback) == ("t-1", state, value, "text")
    assert (result.ready(), result.name) == (True, "proj.add")
    assert result.get(propagate=False) is value
    if state == states.FAILURE:
        with pytest.raises(KeyError):
            result.get()
    back = pickle.loads(pickle.dumps(result))  # noqa: S301
    assert (back.state, repr(back.result)) == (state, repr(value))


def test_an_eager_result_may_be_revoked_and_forgotten() -> None:
    result = EagerResult[int]("t-1", 42, states.SUCCESS)

    result.forget()
    result.revoke()

    assert (result.state, result.exists()) == (states.REVOKED, True)
