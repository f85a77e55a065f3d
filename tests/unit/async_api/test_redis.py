"""Coroutines and a Redis: few connections for any number of them, and a loop that nothing blocks."""

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sedano import Sedano, Task, chord, group
from sedano.errors import BrokerUnavailable, ConfigurationError, ResultStoreUnavailable
from sedano.redis.link import MOST_CONNECTIONS
from sedano.results import celery_meta
from sedano.results.task_meta import TaskMeta
from tests.servers.certificates import make_certificates
from tests.servers.free_ports import free_ports
from tests.servers.redis_groups import private_cluster, private_redis, private_sentinels
from tests.servers.redis_server import RedisServer
from tests.unit.async_api.conftest import NOW
from tests.unit.async_api.loop_lag import loop_lag, wait_until

Add = Task[[int, int], int]


@pytest.fixture
def server(server: RedisServer) -> RedisServer:
    server.client.connection_pool.disconnect()  # the threads of the last test left some
    return server


@pytest.fixture
def app(server: RedisServer) -> Iterator[Sedano]:
    with shop(server.url) as app:
        yield app


@pytest.fixture
def add(app: Sedano) -> Add:
    return adding(app)


def shop(url: str) -> Sedano:
    return Sedano("shop", broker=url, backend=url, set_as_current=False)


def adding(app: Sedano) -> Add:
    @app.task(name="shop.add")
    def add(x: int, y: int) -> int:
        return x + y

    return add


def store(app: Sedano, *ids: str) -> None:
    """Store their own ids as results, as a worker does."""
    metas = [TaskMeta.succeeded(task_id, task_id, finished_at=NOW) for task_id in ids]
    assert app.results is not None
    app.results.put([celery_meta.to_write(m, app.settings.results, now=app.clock.timestamp()) for m in metas])


def connections(server: RedisServer) -> list[dict[str, str]]:
    """But for the test's own."""
    return [c for c in server.client.client_list() if c["id"] != str(server.client.client_id())]


def subscribed(server: RedisServer, ids: list[str]) -> bool:
    counts = server.client.pubsub_numsub(*(f"celery-task-meta-{task_id}" for task_id in ids))
    return all(count == 1 for _, count in counts)


async def waiting(server: RedisServer, app: Sedano, ids: list[str]) -> list["asyncio.Task[Any]"]:
    """Coroutines that wait for these, and have been heard of by the server."""
    tasks = [asyncio.ensure_future(app.AsyncResult(task_id).aget(timeout=60)) for task_id in ids]
    await wait_until(lambda: subscribed(server, ids))
    return tasks


# -- publishing


def test_calls_are_published_in_their_order(server: RedisServer, app: Sedano, add: Add) -> None:
    async def main() -> list[str]:
        one_by_one = [(await add.adelay(n, n)).id for n in range(5)]
        return [*one_by_one, *(result.id for result in await add.apublish_many((n, n) for n in range(1200)))]

    ids = asyncio.run(main())

    assert [message.task_id for message in app.broker.admin.peek("celery", limit=10_000)] == ids
    assert server.client.smembers("sedano:queues") == {b"celery"}


def test_thousands_publish_at_once_over_few_connections(server: RedisServer, app: Sedano, add: Add) -> None:
    async def main() -> int:
        await asyncio.gather(*(add.adelay(n, n) for n in range(3000)))
        return len(connections(server))

    used = asyncio.run(main())

    assert server.client.llen("celery") == 3000
    assert used <= MOST_CONNECTIONS


def test_connections_are_closed_with_their_loop(server: RedisServer, app: Sedano, add: Add) -> None:
    async def main() -> int:
        await (await add.adelay(1, 2)).astate()
        return len(connections(server))

    used = asyncio.run(main())

    assert used >= 2
    assert [c for c in connections(server) if c["name"] != "sedano-results"] == []


def test_closing_the_application_closes_the_connections_of_its_loops(
    server: RedisServer, app: Sedano, add: Add
) -> None:
    async def main() -> None:
        await add.adelay(1, 2)
        app.close()
        await wait_until(lambda: connections(server) == [])
        await add.adelay(1, 2)

    asyncio.run(main())

    assert server.client.llen("celery") == 2


def test_every_connection_may_be_cut_between_calls(server: RedisServer, app: Sedano, add: Add) -> None:
    async def main() -> None:
        for _ in range(5):
            await add.adelay(1, 2)
            await asyncio.to_thread(server.client.client_kill_filter, _type="normal", skipme=True)

    asyncio.run(main())

    assert server.client.llen("celery") >= 5


def test_workflows_are_published(server: RedisServer, app: Sedano, add: Add) -> None:
    async def main() -> Any:
        await group(add.s(1, 1), add.s(2, 2)).aapply_async()
        return await chord([add.s(1, 1), add.s(2, 2)], add.s(3)).aapply_async()

    body = asyncio.run(main())

    assert server.client.llen("celery") == 4
    assert server.client.get(f"celery-taskset-meta-{body.parent.id}.s") == b"2"


def test_a_full_server_says_so(server: RedisServer, app: Sedano, add: Add) -> None:
    async def main() -> None:
        await add.adelay(1, 2)
        await asyncio.to_thread(server.client.config_set, "maxmemory", "1mb")
        with pytest.raises(BrokerUnavailable, match="out of memory"):
            await add.aapply_async((1, 2), retry=False)
        await asyncio.to_thread(server.client.config_set, "maxmemory", "0")
        await add.adelay(1, 2)

    asyncio.run(main())

    assert server.client.llen("celery") == 2


def test_a_server_that_is_not_there_is_told_in_time() -> None:
    with Sedano("shop", broker="redis://127.0.0.1:1/0", set_as_current=False) as app:
        began = time.monotonic()
        with pytest.raises(BrokerUnavailable, match="redis broker"):
            asyncio.run(app.asend_task("shop.add"))

        assert time.monotonic() - began < 15


def test_a_cancelled_call_disturbs_no_other(server: RedisServer, app: Sedano, add: Add) -> None:
    async def main() -> None:
        calls = [asyncio.ensure_future(add.adelay(n, n)) for n in range(100)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for call in calls[::2]:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        assert not any(call.cancelled() for call in calls[1::2])
        await add.adelay(1, 2)

    asyncio.run(main())

    assert server.client.llen("celery") >= 51


# -- a server that does not answer


def test_a_frozen_server_is_told_in_two_seconds_and_does_not_block_the_loop(tmp_path: Path) -> None:
    with private_redis(tmp_path) as server, shop(server.url) as app:
        add = adding(app)

        async def main() -> tuple[list[Any], float, float]:
            result = await add.adelay(1, 2)
            await result.astate()
            server.freeze()
            async with loop_lag() as lag:
                began = time.monotonic()
                errors = await asyncio.gather(
                    *(add.adelay(1, 2) for _ in range(20)),
                    *(result.astate() for _ in range(20)),
                    return_exceptions=True,
                )
                took = time.monotonic() - began
            server.thaw()
            await add.adelay(1, 2)
            return errors, took, lag.longest

        errors, took, lag = asyncio.run(main())

    assert {type(error) for error in errors[:20]} == {BrokerUnavailable}
    assert {type(error) for error in errors[20:]} == {ResultStoreUnavailable}
    assert 1.5 < took < 15
    assert lag < 1.5


def test_who_waits_on_a_frozen_server_is_told_so(tmp_path: Path) -> None:
    with private_redis(tmp_path) as server, shop(server.url) as app:

        async def main() -> float:
            await app.AsyncResult("1").astate()
            server.freeze()
            began = time.monotonic()
            with pytest.raises(ResultStoreUnavailable):
                await app.AsyncResult("1").aget(timeout=0.5)
            return time.monotonic() - began

        took = asyncio.run(main())
        server.thaw()

    assert took < 15


def test_those_who_wait_outlive_a_restart_of_the_server(tmp_path: Path) -> None:
    with private_redis(tmp_path) as server, shop(server.url) as app:
        ids = [f"t-{number}" for number in range(20)]

        async def main() -> tuple[list[Any], float]:
            coming = await waiting(server, app, ids)
            async with loop_lag() as lag:
                await asyncio.to_thread(server.kill)
                await asyncio.to_thread(server.start)
                await asyncio.to_thread(store, app, *ids)
                return await asyncio.gather(*coming), lag.longest

        values, lag = asyncio.run(main())

    assert values == ids
    assert lag < 1.5


# -- results


def test_a_thousand_wait_with_one_subscriber_and_the_connections_of_one_pool(
    server: RedisServer, app: Sedano
) -> None:
    ids = [f"t-{number}" for number in range(1000)]

    async def main() -> tuple[list[Any], list[dict[str, str]], int, float]:
        async with loop_lag() as lag:
            coming = await waiting(server, app, ids)
            used, threads = connections(server), threading.active_count()
            await asyncio.to_thread(store, app, *ids)
            return await asyncio.gather(*coming), used, threads, lag.longest

    values, used, threads, lag = asyncio.run(main())

    assert values == ids
    assert len(used) <= MOST_CONNECTIONS
    assert len([c for c in used if int(c["sub"])]) == 1
    assert threads < 20
    assert lag < 5


def test_a_result_wakes_who_waits_for_it_at_once(server: RedisServer, app: Sedano) -> None:
    async def main() -> float:
        (coming,) = await waiting(server, app, ["t-1"])
        await asyncio.to_thread(store, app, "t-1")
        began = time.monotonic()
        await coming
        return time.monotonic() - began

    assert min(asyncio.run(main()) for _ in range(5)) < 0.2


def test_a_cancelled_wait_leaves_no_channel_behind(server: RedisServer, app: Sedano) -> None:
    async def main() -> None:
        (coming,) = await waiting(server, app, ["t-1"])
        coming.cancel()
        await wait_until(lambda: server.client.pubsub_channels("celery-task-meta-*") == [])

    asyncio.run(main())


def test_results_come_although_the_connection_of_the_subscriber_was_cut(
    server: RedisServer, app: Sedano
) -> None:
    async def main() -> Any:
        (coming,) = await waiting(server, app, ["t-1"])
        await asyncio.to_thread(server.client.client_kill_filter, _type="pubsub")
        await asyncio.to_thread(store, app, "t-1")
        return await coming

    assert asyncio.run(main()) == "t-1"


def test_results_come_although_every_connection_was_cut(server: RedisServer, app: Sedano) -> None:
    async def main() -> Any:
        coming = await waiting(server, app, [f"t-{n}" for n in range(50)])
        await asyncio.to_thread(server.client.client_kill_filter, skipme=True)
        await asyncio.to_thread(store, app, *(f"t-{n}" for n in range(50)))
        return len(await asyncio.gather(*coming))

    assert asyncio.run(main()) == 50


def test_loops_in_several_threads_share_the_subscriber(server: RedisServer, app: Sedano) -> None:
    ids = [f"t-{number}" for number in range(50)]
    found: list[list[Any]] = []
    everybody = threading.Barrier(4)

    def run() -> None:
        async def main() -> list[Any]:
            coming = await waiting(server, app, ids)
            await asyncio.to_thread(everybody.wait)
            return await asyncio.gather(*coming)

        found.append(asyncio.run(main()))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    everybody.wait(20)
    used = len([c for c in connections(server) if int(c["sub"])])
    store(app, *ids)
    for thread in threads:
        thread.join()

    assert (found, used) == ([ids] * 3, 1)


def test_threads_and_coroutines_wait_for_the_same_result(server: RedisServer, app: Sedano) -> None:
    async def main() -> tuple[Any, Any]:
        in_thread = asyncio.create_task(asyncio.to_thread(app.AsyncResult("t-1").get, timeout=20))
        (coming,) = await waiting(server, app, ["t-1"])
        await asyncio.to_thread(store, app, "t-1")
        return await coming, await in_thread

    assert asyncio.run(main()) == ("t-1", "t-1")


def test_a_forked_child_publishes_and_waits_with_connections_of_its_own(
    server: RedisServer, app: Sedano, add: Add
) -> None:
    async def main() -> Any:
        await add.adelay(1, 2)
        return await app.AsyncResult("t-1").aget(timeout=20)

    with asyncio.Runner() as runner:
        runner.run(app.AsyncResult("t-1").aready())
        child = os.fork()
        if child == 0:
            os._exit(0 if asyncio.run(main()) == "t-1" else 1)
        store(app, "t-1")
        mine = runner.run(main())
        _, status = os.waitpid(child, 0)

    assert (mine, status) == ("t-1", 0)
    assert server.client.llen("celery") == 2


def test_a_result_is_forgotten_and_a_task_revoked(server: RedisServer, app: Sedano, add: Add) -> None:
    async def main() -> list[str]:
        result = await add.adelay(1, 2)
        states = [await result.astate()]
        await result.arevoke()
        states.append(await app.AsyncResult(result.id).astate())
        await result.aforget()
        return [*states, await result.astate()]

    assert asyncio.run(main()) == ["PENDING", "REVOKED", "PENDING"]


# -- other ways to a server


def round_trip(url: str, options: dict[str, Any] | None = None) -> list[Any]:
    """Publish, wait for a result, and count what is in the queue."""
    with shop(url) as app:
        app.conf.broker_transport_options = options or {}
        app.conf.result_backend_transport_options = options or {}
        add = adding(app)

        async def main() -> list[Any]:
            result = await add.adelay(1, 2)
            await add.apublish_many([(1, 2), (3, 4)])
            await chord([add.s(1, 1)], add.s(1)).aapply_async()
            coming = asyncio.ensure_future(result.aget(timeout=20))
            await asyncio.to_thread(store, app, result.id)
            return [await coming == result.id, len(app.broker.admin.peek("celery"))]

        return asyncio.run(main())


def test_a_password_and_a_database_are_given(server: RedisServer) -> None:
    server.client.config_set("requirepass", "secret")
    try:
        assert round_trip(f"redis://:secret@127.0.0.1:{server.port}/3") == [True, 4]
        with pytest.raises(ConfigurationError, match="does not let us in"):
            round_trip(f"redis://:wrong@127.0.0.1:{server.port}/3")
    finally:
        server.client.execute_command("AUTH", "secret")
        server.client.config_set("requirepass", "")


def test_a_unix_socket_is_used(tmp_path: Path) -> None:
    path = Path("/tmp") / f"sedano-{os.getpid()}.sock"
    with private_redis(tmp_path, "--unixsocket", str(path)):
        assert round_trip(f"redis+socket://{path}") == [True, 4]


def test_tls_is_spoken(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path / "certificates")
    with private_redis(tmp_path / "server", *certificates.for_redis) as server:
        (port,) = free_ports(1)
        server.client.config_set("tls-port", port)
        url = f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={certificates.authority}"

        assert round_trip(url) == [True, 4]


def test_behind_sentinel_threads_are_used(server: RedisServer, tmp_path: Path) -> None:
    with private_sentinels(tmp_path, server) as url:
        assert round_trip(url, {"master_name": "shop"}) == [True, 4]


def test_in_a_cluster_threads_are_used(tmp_path: Path) -> None:
    with private_cluster(tmp_path) as nodes:
        assert round_trip(f"redis+cluster://127.0.0.1:{nodes[0].port}") == [True, 4]
