"""Waiting for a result goes on while the server that keeps it is away for a moment."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sedano import Sedano
from sedano.errors import ResultStoreUnavailable, TaskTimeout
from sedano.results import celery_meta
from sedano.results.opening import open_result_store
from sedano.results.task_meta import TaskMeta
from tests.servers.redis_groups import NEVER, wait_until
from tests.servers.redis_server import RedisServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def app(server: RedisServer) -> Iterator[Sedano]:
    with Sedano("shop", broker="memory://", backend=server.url, set_as_current=False) as app:
        yield app


@pytest.fixture
def succeed(server: RedisServer, app: Sedano) -> Iterator[Callable[[list[str]], None]]:
    """Store what a worker stores when these tasks have returned their ids; over connections of its own."""
    store = open_result_store(server.url)

    def put(ids: list[str]) -> None:
        metas = [TaskMeta.succeeded(task_id, task_id, finished_at=datetime.now(UTC)) for task_id in ids]
        store.put([celery_meta.to_write(meta, app.settings.results, now=time.time()) for meta in metas])

    yield put
    store.close()


class Waiter(threading.Thread):
    """Waits for one result, and keeps what came of it."""

    def __init__(self, app: Sedano, task_id: str, timeout: float | None) -> None:
        super().__init__()
        self.looks = 0
        self.outcome: object = None
        self._result = app.AsyncResult(task_id)
        self._timeout = timeout

    def run(self) -> None:
        try:
            self.outcome = self._result.get(timeout=self._timeout, interval=0.01, on_interval=self._count)
        except Exception as error:
            self.outcome = error

    def _count(self) -> None:
        self.looks += 1


@pytest.mark.parametrize("timeout", [None, NEVER])
def test_waiting_outlasts_a_server_that_is_killed_and_started_again(
    server: RedisServer, app: Sedano, succeed: Callable[[list[str]], None], timeout: float | None
) -> None:
    waiter = Waiter(app, "a", timeout)
    waiter.start()
    wait_until(lambda: waiter.looks > 0)

    server.kill()
    seen = waiter.looks
    wait_until(lambda: waiter.looks > seen + 3)
    server.start()
    succeed(["a"])
    waiter.join()

    assert waiter.outcome == "a"


def test_waiting_may_begin_while_the_server_is_away(
    server: RedisServer, app: Sedano, succeed: Callable[[list[str]], None]
) -> None:
    server.kill()
    waiter = Waiter(app, "a", NEVER)
    waiter.start()
    wait_until(lambda: waiter.looks > 2)

    server.start()
    succeed(["a"])
    waiter.join()

    assert waiter.outcome == "a"


def test_a_server_that_is_away_to_the_end_is_what_the_error_tells_of(
    server: RedisServer, app: Sedano
) -> None:
    server.kill()
    began = time.monotonic()

    with pytest.raises(ResultStoreUnavailable, match="refused") as caught:
        app.AsyncResult("a").get(timeout=0.5)

    assert 0.5 <= time.monotonic() - began < NEVER
    assert "has not answered for 0.5 s" in caught.value.__notes__[0]


def test_a_server_that_came_back_in_time_makes_it_a_timeout(server: RedisServer, app: Sedano) -> None:
    server.kill()
    waiter = Waiter(app, "a", 3.0)
    waiter.start()
    wait_until(lambda: waiter.looks > 2)

    server.start()
    waiter.join()

    assert isinstance(waiter.outcome, TaskTimeout)


def test_a_look_without_waiting_fails_at_once(server: RedisServer, app: Sedano) -> None:
    server.kill()
    result = app.AsyncResult("a")
    began = time.monotonic()

    for look in (lambda: result.state, result.ready, result.exists, lambda: result.get(timeout=0)):
        with pytest.raises(ResultStoreUnavailable):
            look()

    assert time.monotonic() - began < 5


def test_five_hundred_threads_wait_through_an_outage(
    server: RedisServer, app: Sedano, succeed: Callable[[list[str]], None]
) -> None:
    ids = [f"task {number}" for number in range(500)]
    waiters = [Waiter(app, task_id, 3 * NEVER) for task_id in ids]
    for waiter in waiters:
        waiter.start()
    wait_until(lambda: all(waiter.looks > 0 for waiter in waiters))

    server.kill()
    seen = {waiter: waiter.looks for waiter in waiters}
    wait_until(lambda: all(waiter.looks > seen[waiter] for waiter in waiters))
    server.start()
    succeed(ids)
    for waiter in waiters:
        waiter.join()

    assert [waiter.outcome for waiter in waiters] == ids


def test_five_hundred_threads_wait_through_a_server_that_has_frozen(
    server: RedisServer, app: Sedano, succeed: Callable[[list[str]], None]
) -> None:
    ids = [f"task {number}" for number in range(500)]
    server.freeze()
    waiters = [Waiter(app, task_id, 3 * NEVER) for task_id in ids]
    for waiter in waiters:
        waiter.start()
    wait_until(lambda: any(waiter.looks > 0 for waiter in waiters))

    server.thaw()
    succeed(ids)
    for waiter in waiters:
        waiter.join()

    assert [waiter.outcome for waiter in waiters] == ids
