"""The Redis result store keeps its port's promises: on one server, in a cluster, behind a sentinel."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sedano import Sedano
from sedano.clock import Clock, SystemClock
from sedano.errors import ResultStoreError
from sedano.redis.link import MOST_CONNECTIONS
from sedano.redis.redis_url import RedisLocation
from sedano.results import celery_meta
from sedano.results.opening import open_result_store
from sedano.results.redis.store import RedisResultStore
from sedano.results.result_write import ResultWrite
from sedano.results.store import ResultStore
from sedano.results.task_meta import TaskMeta
from sedano.testing.clock import ManualClock
from sedano.testing.result_store_conformance import ResultStoreConformance
from tests.servers.redis_groups import (
    NEVER,
    private_redis,
    private_sentinels,
    wait_until,
)
from tests.servers.redis_server import RedisServer


@pytest.fixture(scope="module")
def sentinel_url(started_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with private_sentinels(tmp_path_factory.mktemp("sentinel"), started_server) as url:
        yield url


@pytest.fixture
def open_results(server: RedisServer) -> Callable[[Clock], ResultStore]:
    return lambda clock: RedisResultStore(RedisLocation.from_url(server.url), clock=clock)


@pytest.fixture
def results(open_results: Callable[[Clock], ResultStore]) -> Iterator[ResultStore]:
    results = open_results(SystemClock())
    yield results
    results.close()


class ServersClock(ManualClock):
    """Turns the servers' time along, which is what results expire by: each has the less to live."""

    def __init__(self, servers: Sequence[RedisServer]) -> None:
        super().__init__()
        self._servers = servers

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        for server in self._servers:
            for key in server.client.scan_iter():
                if (left := server.client.pttl(key)) >= 0:
                    server.client.pexpire(key, left - int(seconds * 1000))


class TestRedisResultStore(ResultStoreConformance):
    @pytest.fixture
    def clock(self, server: RedisServer) -> ManualClock:
        return ServersClock([server])

    @pytest.fixture
    def open_results(self, server: RedisServer) -> Callable[[Clock], ResultStore]:
        return lambda clock: RedisResultStore(RedisLocation.from_url(server.url), clock=clock)

    def test_pruning_deletes_the_expired_and_only_those(
        self, results: ResultStore, clock: ManualClock
    ) -> None:
        results.put([ResultWrite(f"old {n}", "SUCCESS", b"", clock.timestamp() + 10) for n in range(5)])
        results.put([ResultWrite("young", "SUCCESS", b"", clock.timestamp() + 100)])
        results.put([ResultWrite("for good", "SUCCESS", b"")])

        clock.advance(11)

        # The server has deleted them by itself.
        assert results.prune(limit=3) == 0
        assert set(results.get_many(["young", "for good", *(f"old {n}" for n in range(5))])) == {
            "young",
            "for good",
        }


class TestRedisResultStoreInCluster(TestRedisResultStore):
    @pytest.fixture
    def nodes(self, started_nodes: list[RedisServer]) -> list[RedisServer]:
        for node in started_nodes:
            node.client.flushall()
            node.client.script_flush()
        return started_nodes

    @pytest.fixture
    def clock(self, nodes: list[RedisServer]) -> ManualClock:
        return ServersClock(nodes)

    @pytest.fixture
    def open_results(self, nodes: list[RedisServer]) -> Callable[[Clock], ResultStore]:
        url = f"redis+cluster://127.0.0.1:{nodes[1].port}"
        return lambda clock: RedisResultStore(RedisLocation.from_url(url), clock=clock)

    def test_a_cluster_has_no_step_for_results_of_several_slots(self, results: ResultStore) -> None:
        assert results.joint_with(results.location) is None


class TestRedisResultStoreBehindSentinel(TestRedisResultStore):
    @pytest.fixture
    def open_results(self, sentinel_url: str, server: RedisServer) -> Callable[[Clock], ResultStore]:
        location = RedisLocation.from_url(sentinel_url, options={"master_name": "shop"})
        return lambda clock: RedisResultStore(location, clock=clock)


# -- waiting


def test_five_hundred_threads_wait_on_no_more_connections_than_the_pool_has(
    server: RedisServer, results: ResultStore
) -> None:
    ids = [f"task {number}" for number in range(500)]
    found: dict[str, object] = {}
    now = datetime.now(UTC)
    with Sedano("shop", broker="memory://", backend=server.url) as app:

        def wait(task_id: str) -> None:
            found[task_id] = app.AsyncResult(task_id).get(timeout=NEVER)

        threads = [threading.Thread(target=wait, args=(task_id,)) for task_id in ids]
        for thread in threads:
            thread.start()
        wait_until(lambda: all(count == 1 for _, count in server.client.pubsub_numsub(*channels(ids))))
        waiting = connections_to(server)
        metas = [TaskMeta.succeeded(task_id, task_id, finished_at=now) for task_id in ids]
        results.put([celery_meta.to_write(m, app.settings.results, now=now.timestamp()) for m in metas])
        for thread in threads:
            thread.join()

        assert found == {task_id: task_id for task_id in ids}
        assert waiting <= MOST_CONNECTIONS
        # One is of the store that wrote.
        assert connections_to(server) <= MOST_CONNECTIONS + 1


def test_a_result_comes_although_the_connection_of_those_who_wait_was_cut(
    server: RedisServer, results: ResultStore
) -> None:
    found: list[bytes | None] = []
    thread = threading.Thread(target=lambda: found.append(get(results, "a")))
    thread.start()
    wait_until(lambda: server.client.pubsub_numsub(*channels(["a"]))[0][1] == 1)

    cut = server.client.client_kill_filter(_type="pubsub")
    server.client.set("celery-task-meta-a", b"here")
    thread.join()

    assert cut
    assert found == [b"here"]


def test_waiting_is_pushed_again_after_the_connection_was_cut(
    server: RedisServer, results: ResultStore
) -> None:
    found: list[bytes | None] = []
    thread = threading.Thread(target=lambda: found.append(get(results, "a")))
    thread.start()
    subscribers = lambda: server.client.pubsub_numsub(*channels(["a"]))[0][1]  # noqa: E731
    wait_until(lambda: subscribers() == 1)

    server.client.client_kill_filter(_type="pubsub")
    wait_until(lambda: subscribers() == 0)
    wait_until(lambda: subscribers() == 1)
    results.put([ResultWrite("a", "SUCCESS", b"here")])
    thread.join()

    assert found == [b"here"]


def test_every_connection_may_be_cut_between_calls(server: RedisServer, results: ResultStore) -> None:
    results.put([ResultWrite("a", "SUCCESS", b"here")])

    server.client.client_kill_filter(_type="normal", skipme=True)

    assert results.get("a") == b"here"


def test_a_change_between_a_look_and_the_wait_is_not_missed(results: ResultStore) -> None:
    results.get("a")
    results.wait(["a"], NEVER)  # ends as soon as it is heard of
    assert results.get("a") is None

    results.put([ResultWrite("a", "SUCCESS", b"here")])
    began = time.monotonic()
    results.wait(["a"], NEVER)

    assert time.monotonic() - began < 15


def test_channels_that_nobody_waits_for_are_left(server: RedisServer, results: ResultStore) -> None:
    results.wait(["a"], 0.1)

    wait_until(lambda: server.client.pubsub_channels("celery-task-meta-*") == [])


def test_a_forked_child_reads_and_waits_with_connections_of_its_own(results: ResultStore) -> None:
    assert results.get("a") is None
    results.wait(["a"], NEVER)

    child = os.fork()
    if child == 0:
        seen = get(results, "a")
        os._exit(0 if seen == b"here" else 1)
    results.put([ResultWrite("a", "SUCCESS", b"here")])
    mine = get(results, "a")
    _, status = os.waitpid(child, 0)

    assert mine == b"here"
    assert status == 0


# -- trouble


def test_a_full_server_says_so(server: RedisServer, results: ResultStore) -> None:
    server.client.config_set("maxmemory", "1mb")
    try:
        with pytest.raises(ResultStoreError, match="out of memory"):
            results.put([ResultWrite("a", "SUCCESS", b"here")])
    finally:
        server.client.config_set("maxmemory", "0")


@pytest.mark.parametrize("scheme", ["redis", "redis+cluster", "sentinel"])
def test_a_server_that_is_not_there_is_told_in_time(scheme: str) -> None:
    results = open_result_store(f"{scheme}://127.0.0.1:1/0", options={"master_name": "shop"})
    began = time.monotonic()

    with pytest.raises(ResultStoreError, match="redis result store"):
        results.get("a")
    results.wait(["a"], 0.1)
    results.close()

    assert time.monotonic() - began < 15


def test_a_frozen_server_is_told_in_time(tmp_path: Path) -> None:
    with private_redis(tmp_path) as frozen:
        results = open_result_store(frozen.url)
        results.get("a")
        began = time.monotonic()
        frozen.freeze()
        with pytest.raises(ResultStoreError):
            results.get("a")
        frozen.thaw()

        assert time.monotonic() - began < 15
        results.put([ResultWrite("a", "SUCCESS", b"here")])
        assert results.get("a") == b"here"
        results.close()


def test_a_frozen_cluster_is_told_in_time(started_nodes: list[RedisServer]) -> None:
    results = open_result_store(f"redis+cluster://127.0.0.1:{started_nodes[0].port}")
    results.get("thawed")
    began = time.monotonic()
    for node in started_nodes:
        node.freeze()
    with pytest.raises(ResultStoreError):
        results.get_many([str(number) for number in range(10)])
    for node in started_nodes:
        node.thaw()

    assert time.monotonic() - began < 15
    results.put([ResultWrite("thawed", "SUCCESS", b"here")])
    assert results.get("thawed") == b"here"
    results.close()


def test_those_who_wait_outlive_a_restart_of_the_server(tmp_path: Path) -> None:
    with private_redis(tmp_path) as server:
        results = open_result_store(server.url)
        stop = threading.Event()

        def wait() -> None:
            while not stop.is_set():
                results.wait(["a"], None)

        thread = threading.Thread(target=wait)
        thread.start()
        subscribed = lambda: server.client.pubsub_numsub(*channels(["a"]))[0][1] == 1  # noqa: E731
        wait_until(subscribed)

        server.kill()
        server.start()
        wait_until(subscribed)
        results.put([ResultWrite("a", "SUCCESS", b"here")])
        stop.set()
        thread.join()

        assert results.get("a") == b"here"
        results.close()


def connections_to(server: RedisServer) -> int:
    """How many there are, but for the test's own and Sentinel's."""
    clients = server.client.client_list()
    return len(
        [c for c in clients if c["id"] != str(server.client.client_id()) and "sentinel-" not in c["name"]]
    )


def channels(ids: list[str]) -> list[str]:
    return [f"celery-task-meta-{task_id}" for task_id in ids]


def get(results: ResultStore, task_id: str) -> bytes | None:
    """As ``AsyncResult.get`` does."""
    deadline = time.monotonic() + NEVER
    while (document := results.get(task_id)) is None and time.monotonic() < deadline:
        results.wait([task_id], None)
    return document
