"""The results of many tasks: asked for together, waited for together."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from sedano import AsyncResult, Sedano
from sedano.errors import NotSupported, ResultStoreUnavailable, TaskRevoked, TaskTimeout
from sedano.result import GroupResult, ResultSet
from sedano.results import celery_meta
from sedano.results.memory_store import MemoryResultStore
from sedano.results.task_meta import TaskMeta
from sedano.settings.sections import ResultSettings

NOW = datetime(2026, 1, 1, tzinfo=UTC)
IDS = ("a", "b", "c")


class WatchedStore(MemoryResultStore):
    """Notes what it is asked, and does not answer as often as it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.looks: list[int] = []
        self.waits: list[int] = []
        self.outages = 0

    def get(self, task_id: str) -> bytes | None:
        self._answer()
        self.looks.append(1)
        return super().get(task_id)

    def get_many(self, task_ids: Collection[str]) -> Mapping[str, bytes]:
        self._answer()
        self.looks.append(len(task_ids))
        return super().get_many(task_ids)

    def wait(self, task_ids: Collection[str], timeout: float | None) -> None:
        self.waits.append(len(task_ids))
        super().wait(task_ids, timeout)

    def _answer(self) -> None:
        if self.outages:
            self.outages -= 1
            raise ResultStoreUnavailable("away")


@pytest.fixture
def app() -> Iterator[Sedano]:
    with Sedano("proj", broker="memory://") as app:
        app._results = WatchedStore()
        yield app


@pytest.fixture
def watched(app: Sedano) -> WatchedStore:
    assert isinstance(app.results, WatchedStore)
    return app.results


@pytest.fixture
def store(watched: WatchedStore) -> Callable[..., None]:
    """Store results, as workers do."""

    def put(*metas: TaskMeta) -> None:
        watched.put([celery_meta.to_write(meta, ResultSettings(), now=NOW.timestamp()) for meta in metas])

    watched._clock = Frozen()
    return put


class Frozen:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW

    def timestamp(self) -> float:
        return NOW.timestamp()

    def monotonic(self) -> float:
        return 0.0


def succeeded(task_id: str, value: Any = None) -> TaskMeta:
    return TaskMeta.succeeded(task_id, value, finished_at=NOW)


def failed(task_id: str, error: Exception) -> TaskMeta:
    return TaskMeta.failed(task_id, error, finished_at=NOW)


def results(app: Sedano, *ids: str) -> ResultSet:
    return app.ResultSet([app.AsyncResult(task_id) for task_id in ids or IDS])


# -- members


def test_a_set_holds_results_once_and_in_order(app: Sedano) -> None:
    some = results(app)
    some.add(app.AsyncResult("a"))
    some.update([app.AsyncResult("d"), app.AsyncResult("b"), app.AsyncResult("d")])

    assert [result.id for result in some] == ["a", "b", "c", "d"]
    assert (len(some), some[0], some[1:3]) == (4, "a", ["b", "c"])
    assert "b" in some
    assert AsyncResult[int]("x") not in some
    assert repr(some) == "<ResultSet: [a, b, c, d]>"
    assert some == ResultSet(some.results)
    assert some != results(app)


def test_members_are_taken_out_by_result_or_by_id(app: Sedano) -> None:
    some = results(app)
    some.remove(app.AsyncResult("a"))
    some.remove("b")
    some.discard("nobody")

    assert some.results == ["c"]
    with pytest.raises(KeyError):
        some.remove("a")
    some.clear()
    assert (len(some), bool(some), some.get()) == (0, False, [])


def test_the_list_that_was_handed_in_is_the_sets_own(app: Sedano) -> None:
    members: list[Any] = []
    some = ResultSet(members, app=app)
    members.append(app.AsyncResult("a"))

    assert len(some) == 1


# -- what is known


def test_a_set_is_ready_when_all_of_it_is(app: Sedano, store: Callable[..., None]) -> None:
    some = results(app)
    store(succeeded("a"), succeeded("b"))
    before = (some.ready(), some.waiting(), some.successful(), some.failed(), some.completed_count())
    store(failed("c", ValueError("no")))
    after = (some.ready(), some.waiting(), some.successful(), some.failed(), some.completed_count())

    assert before == (False, True, False, False, 2)
    assert after == (True, False, False, True, 2)


def test_all_members_are_looked_at_in_one_step(
    app: Sedano, watched: WatchedStore, store: Callable[..., None]
) -> None:
    some = results(app)
    store(succeeded("a"))

    some.ready()
    some.successful()

    assert watched.looks == [3, 2]


def test_the_first_failure_among_the_members_is_thrown(app: Sedano, store: Callable[..., None]) -> None:
    some = results(app)
    told: list[Any] = []
    store(succeeded("a", 1), failed("c", KeyError("later")), failed("b", ValueError("first")))

    with pytest.raises(ValueError, match="first"):
        some.maybe_throw()
    some.maybe_reraise(callback=lambda *what: told.append(what), propagate=False)

    assert [task_id for task_id, _ in told] == ["a", "b", "c"]
    assert told[0] == ("a", 1)


# -- waiting


def test_values_come_in_the_order_of_the_members(app: Sedano, store: Callable[..., None]) -> None:
    store(succeeded("c", 3), succeeded("a", 1), succeeded("b", 2))

    assert results(app).get() == [1, 2, 3]
    assert results(app).join() == [1, 2, 3]
    assert results(app).join_native() == [1, 2, 3]
    assert results(app, "a", "a").get() == [1, 1]


def test_waiting_ends_when_the_last_result_comes(app: Sedano, store: Callable[..., None]) -> None:
    some = results(app)
    left = [succeeded("a", 1), succeeded("c", 3), succeeded("b", 2)]

    got = some.get(timeout=10, interval=0.001, on_interval=lambda: store(left.pop()))

    assert got == [1, 2, 3]


def test_another_threads_result_wakes_who_waits(
    app: Sedano, watched: WatchedStore, store: Callable[..., None]
) -> None:
    some = results(app, "a", "b")
    writer = threading.Thread(target=lambda: store(succeeded("a", 1), succeeded("b", 2)))
    writer.start()

    assert some.get(timeout=10) == [1, 2]
    writer.join()
    assert len(watched.looks) < 5


def test_waiting_ends_when_the_time_is_up(app: Sedano, store: Callable[..., None]) -> None:
    store(succeeded("a"))

    with pytest.raises(TaskTimeout):
        results(app).get(timeout=0.02)
    with pytest.raises(TimeoutError):
        results(app).get(timeout=0)


def test_a_failure_ends_the_waiting_at_once(app: Sedano, store: Callable[..., None]) -> None:
    store(failed("b", ValueError("no")))

    with pytest.raises(ValueError, match="no"):
        results(app).get(timeout=10)


def test_a_failure_may_stand_among_the_values(app: Sedano, store: Callable[..., None]) -> None:
    store(succeeded("a", 1), failed("b", ValueError("no")), succeeded("c", 3))

    got = results(app).get(propagate=False)

    assert (got[0], repr(got[1]), got[2]) == (1, "ValueError('no')", 3)


def test_a_callback_is_told_each_value(app: Sedano, store: Callable[..., None]) -> None:
    told: list[Any] = []
    store(succeeded("a", 1), succeeded("b", 2), succeeded("c", 3))

    got = results(app).get(callback=lambda task_id, value: told.append((task_id, value)))

    assert (told, got) == ([("a", 1), ("b", 2), ("c", 3)], [])


def test_results_are_handed_out_as_they_come(app: Sedano, store: Callable[..., None]) -> None:
    some = results(app)
    left = [succeeded("a", 1), succeeded("c", 3)]
    store(succeeded("b", 2))

    came = list(some.iter_native(timeout=10, interval=0.001, on_interval=lambda: store(left.pop())))

    assert [(task_id, meta["status"], meta["result"]) for task_id, meta in came] == [
        ("b", "SUCCESS", 2),
        ("c", "SUCCESS", 3),
        ("a", "SUCCESS", 1),
    ]
    assert list(results(app).iterate()) == [1, 2, 3]


def test_the_values_of_a_group_within_a_set_are_a_list(app: Sedano, store: Callable[..., None]) -> None:
    inner = app.GroupResult("g", [app.AsyncResult("b"), app.AsyncResult("c")])
    some = app.ResultSet([app.AsyncResult("a"), inner, app.GroupResult("empty", [])])
    told: list[Any] = []
    store(succeeded("a", 1), succeeded("b", 2))

    assert (some.ready(), some.completed_count()) == (False, 2)
    with pytest.raises(TaskTimeout):
        some.get(timeout=0)
    store(succeeded("c", 3))
    assert some.get() == [1, [2, 3], []]
    some.get(callback=lambda *what: told.append(what))
    assert sorted(told) == [("a", 1), ("empty", []), ("g", [2, 3])]
    assert dict(some.iter_native())["g"] == inner.results


def test_a_failed_step_before_a_group_ends_the_waiting(app: Sedano, store: Callable[..., None]) -> None:
    first = app.AsyncResult("first")
    store(failed("first", ValueError("no")))
    group = GroupResult("g", [app.AsyncResult("a", parent=first), app.AsyncResult("b", parent=first)], first)

    with pytest.raises(ValueError, match="no"):
        group.get(timeout=10)


def test_states_of_all_members_are_told(app: Sedano, store: Callable[..., None]) -> None:
    told: list[tuple[str, str]] = []
    store(TaskMeta.custom("a", "PROGRESS", 50), succeeded("b"))

    with pytest.raises(TaskTimeout):
        results(app).get(
            timeout=0, on_message=lambda message: told.append((message["task_id"], message["status"]))
        )

    assert told == [("a", "PROGRESS"), ("b", "SUCCESS")]


def test_a_store_that_does_not_answer_is_asked_again(
    app: Sedano, watched: WatchedStore, store: Callable[..., None]
) -> None:
    store(succeeded("a", 1), succeeded("b", 2), succeeded("c", 3))
    watched.outages = 2

    assert results(app).get() == [1, 2, 3]
    watched.outages = 2
    with pytest.raises(ResultStoreUnavailable):
        results(app).get(timeout=0)


def test_tasks_that_keep_no_result_are_not_waited_for(app: Sedano, store: Callable[..., None]) -> None:
    some = results(app, "a", "b")
    some[0].ignored = True
    store(succeeded("b", 2))

    assert some.get() == [None, 2]


def test_twenty_thousand_results_are_waited_for_in_few_steps(
    app: Sedano, watched: WatchedStore, store: Callable[..., None]
) -> None:
    ids = [str(number) for number in range(20_000)]
    some = results(app, *ids)
    store(*(succeeded(task_id, int(task_id)) for task_id in ids[:10_000]))

    got = some.get(
        timeout=60,
        on_interval=lambda: store(*(succeeded(task_id, int(task_id)) for task_id in ids[10_000:])),
    )

    assert got == list(range(20_000))
    assert max(watched.looks) <= 1000
    assert len(watched.looks) == 20 + 10
    assert max(watched.waits) <= 100


def test_members_may_be_in_several_stores(app: Sedano, store: Callable[..., None]) -> None:
    other = MemoryResultStore(clock=Frozen())
    other.put([celery_meta.to_write(succeeded("a", "other"), ResultSettings(), now=NOW.timestamp())])
    store(succeeded("a", "own"))

    some = ResultSet([AsyncResult[str]("a", backend=other, app=app), app.AsyncResult("a")])

    assert some.get(timeout=10) == ["other", "own"]


def test_a_set_is_followed_by_what_was_to_follow_it(app: Sedano, store: Callable[..., None]) -> None:
    told: list[ResultSet] = []
    some = results(app, "a", "b")

    assert some.then(told.append) is some
    store(succeeded("a"))
    some.ready()
    assert told == []
    store(succeeded("b"))
    some.get()
    assert told == [some]
    some.then(told.append)
    assert len(told) == 2


# -- acting


def test_all_members_are_forgotten(app: Sedano, store: Callable[..., None]) -> None:
    some = results(app)
    store(*map(succeeded, IDS))
    some.get()

    some.forget()

    assert [result.state for result in some] == ["PENDING"] * 3


def test_all_members_are_revoked(app: Sedano, store: Callable[..., None]) -> None:
    some = app.ResultSet([app.send_task("proj.ping") for _ in range(3)])

    with pytest.raises(NotSupported, match="terminate"):
        some.revoke(terminate=True)
    some.revoke()

    assert app.broker.admin.depth("celery").ready == 0
    with pytest.raises(TaskRevoked):
        some.get()
