"""What a caller can learn of a task through its id."""

import copy
import pickle
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from sedano import AsyncResult, Sedano, shared_task, states
from sedano.errors import (
    ChordError,
    ConfigurationError,
    IncompleteStream,
    NotSupported,
    TaskRevoked,
    TaskTimeout,
)
from sedano.result import allow_join_result, denied_join_result, result_from_tuple, task_join_will_block
from sedano.results import celery_meta
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


def test_a_chord_that_failed_raises_what_its_header_raised(
    app: Sedano, store: Callable[[TaskMeta], None]
) -> None:
    store(TaskMeta.succeeded("one", 1, finished_at=NOW))
    store(TaskMeta.failed("two", ValueError("no"), finished_at=NOW))
    header = app.GroupResult("g", [app.AsyncResult("one"), app.AsyncResult("two")])
    body = app.AsyncResult("body", parent=header)

    with pytest.raises(ValueError, match="no"):
        body.get(timeout=5)
    store(TaskMeta.failed("body", ChordError("Dependency two raised"), finished_at=NOW))
    with pytest.raises(ValueError, match="no"):
        app.AsyncResult("body", parent=header).get()
    with pytest.raises(ChordError):
        app.AsyncResult("body", parent=header).get(follow_parents=False)
    assert isinstance(body.get(propagate=False), ChordError)


def test_the_earliest_failure_in_a_line_of_parents_is_raised(
    app: Sedano, store: Callable[[TaskMeta], None]
) -> None:
    first = app.AsyncResult("first")
    second = app.AsyncResult("second", parent=first)
    third = app.AsyncResult("third", parent=second)
    store(TaskMeta.failed("second", KeyError("later"), finished_at=NOW))
    store(TaskMeta.failed("first", ValueError("earlier"), finished_at=NOW))

    with pytest.raises(ValueError, match="earlier"):
        third.get(timeout=5)
    assert third.as_list() == ["third", "second", "first"]


def test_a_long_chain_has_a_tuple_and_comes_back_from_it(app: Sedano) -> None:
    result = app.AsyncResult("0")
    for number in range(1, 5000):
        result = app.AsyncResult(str(number), parent=result)

    back = result_from_tuple(result.as_tuple(), app)

    assert len(back.line()) == 5000
    result.forget()


def test_each_state_that_is_seen_is_told(app: Sedano, store: Callable[[TaskMeta], None]) -> None:
    told: list[dict[str, Any]] = []
    steps = iter(
        [
            TaskMeta.custom("t-1", "PROGRESS", {"done": 1}),
            TaskMeta.custom("t-1", "PROGRESS", {"done": 1}),
            TaskMeta.failed("t-1", KeyError("gone"), finished_at=NOW),
        ]
    )

    app.AsyncResult("t-1").get(
        propagate=False, interval=0.001, on_message=told.append, on_interval=lambda: store(next(steps))
    )

    assert [message["status"] for message in told] == ["PROGRESS", "FAILURE"]
    assert told[0]["result"] == {"done": 1}
    assert (told[0]["task_id"], told[0]["traceback"], told[0]["children"]) == ("t-1", None, [])
    assert isinstance(told[1]["result"], KeyError)
    assert told[1]["date_done"] == NOW.isoformat()


def test_a_result_is_followed_by_what_was_to_follow_it(
    app: Sedano, store: Callable[[TaskMeta], None]
) -> None:
    told: list[AsyncResult[Any]] = []
    result = app.AsyncResult("t-1")

    assert result.then(told.append) is result
    assert not result.ready()
    assert told == []
    store(TaskMeta.succeeded("t-1", 42, finished_at=NOW))
    assert result.ready()
    assert told == [result]
    result.get()
    assert told == [result]
    result.then(told.append)
    assert told == [result, result]


def test_what_a_callback_raises_goes_to_its_error_callback(
    app: Sedano, store: Callable[[TaskMeta], None]
) -> None:
    told: list[object] = []
    store(TaskMeta.failed("t-1", KeyError("gone"), finished_at=NOW))
    result = app.AsyncResult("t-1")

    result.then(lambda _: 1 // 0, on_error=told.append)
    result.then(lambda _: 1 // 0)
    result.then(told.append)
    with pytest.raises(ZeroDivisionError):
        result.ready()

    assert isinstance(told[0], ZeroDivisionError)
    assert told[1:] == [result]
    assert result.failed()


def test_the_children_of_a_task_are_results(app: Sedano, store: Callable[[TaskMeta], None]) -> None:
    started = app.GroupResult("g", [app.AsyncResult("two"), app.AsyncResult("three")])
    children = [app.AsyncResult("one").as_tuple(), started.as_tuple()]
    store(TaskMeta.succeeded("t-1", None, finished_at=NOW, children=children))
    result = app.AsyncResult("t-1")

    assert result.children == [app.AsyncResult("one"), started]
    assert result.children is result.children
    assert result.children[0].app is app
    assert app.AsyncResult("unknown").children is None


def test_the_tree_below_a_task_is_collected(app: Sedano, store: Callable[[TaskMeta], None]) -> None:
    group = app.GroupResult("g", [app.AsyncResult("a"), app.AsyncResult("b")])
    store(TaskMeta.succeeded("root", "top", finished_at=NOW, children=[group.as_tuple()]))
    store(TaskMeta.succeeded("a", 1, finished_at=NOW, children=[app.AsyncResult("c").as_tuple()]))
    store(TaskMeta.succeeded("b", 2, finished_at=NOW))
    store(TaskMeta.succeeded("c", 3, finished_at=NOW))
    root = app.AsyncResult("root")

    collected = [(str(result), value) for result, value in root.collect()]

    assert collected == [("root", "top"), ("g", [1, 2]), ("a", 1), ("b", 2), ("c", 3)]
    assert [(str(parent), str(result)) for parent, result in root.iterdeps()] == [
        ("None", "root"),
        ("root", "g"),
        ("g", "a"),
        ("g", "b"),
        ("a", "c"),
    ]
    assert root.get_leaf() == 3
    assert list(map(str, root.graph)) == ["root", "g", "a", "b", "c"]
    assert root.graph[group] == [app.AsyncResult("a"), app.AsyncResult("b")]


def test_the_tree_below_a_task_that_runs_is_not_known(app: Sedano, store: Callable[[TaskMeta], None]) -> None:
    store(TaskMeta.succeeded("root", 1, finished_at=NOW, children=[app.AsyncResult("a").as_tuple()]))
    root = app.AsyncResult("root")

    with pytest.raises(IncompleteStream, match="a has not finished"):
        list(root.iterdeps())
    with pytest.raises(IncompleteStream):
        _ = root.graph
    assert list(root.build_graph(intermediate=True)) == ["root", "a"]


def test_a_result_in_a_task_is_waited_for_only_where_that_was_allowed(
    app: Sedano, store: Callable[[TaskMeta], None]
) -> None:
    store(TaskMeta.succeeded("t-1", 42, finished_at=NOW))

    with denied_join_result():
        result = app.AsyncResult("t-1")
        assert (result.state, task_join_will_block()) == ("SUCCESS", True)
        for waiting in (app.AsyncResult("t-1"), app.GroupResult("g", [app.AsyncResult("t-1")])):
            with pytest.raises(RuntimeError, match="waits for another task's result"):
                waiting.get()
            with allow_join_result():
                assert not task_join_will_block()
                waiting.get()
        assert app.AsyncResult("t-1").get(disable_sync_subtasks=False) == 42
    assert not task_join_will_block()


def test_a_forgotten_result_is_gone(app: Sedano, store: Callable[[TaskMeta], None]) -> None:
    result = app.AsyncResult("t-1")
    store(TaskMeta.succeeded("t-1", 42, finished_at=NOW))
    result.get()

    result.forget()

    assert result.state == "PENDING"


def test_the_parents_are_forgotten_too(app: Sedano, store: Callable[[TaskMeta], None]) -> None:
    for task_id in ("a", "b", "last"):
        store(TaskMeta.succeeded(task_id, 1, finished_at=NOW))
    header = app.GroupResult("g", [app.AsyncResult("a"), app.AsyncResult("b")])

    app.AsyncResult("last", parent=header).forget()

    assert [app.AsyncResult(task_id).state for task_id in ("a", "b", "last")] == ["PENDING"] * 3


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
