"""A worker whose Redis has trouble goes on by itself, keeps what it could not tell, runs nothing twice."""

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from sedano.exceptions import OperationalError
from tests.acceptance import server_trouble
from tests.acceptance.server_trouble import (
    RESUMED,
    StartWorker,
    Trouble,
    outlive_moments,
    seconds_until_work_goes_on,
)
from tests.acceptance.workers import Journal, wait_until
from tests.servers.redis_server import RedisServer
from tests.servers.tcp_proxy import TcpProxy

pytestmark = pytest.mark.acceptance

#: Within this ``delay()`` has failed: ``broker_publish_timeout`` is 2 s; the machine may be busy. Seconds.
PUBLISH_DEADLINE = 8.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    folder = tmp_path / "redis"
    folder.mkdir()
    server = RedisServer(folder, "--appendonly", "yes", "--appendfsync", "always")
    yield server
    server.stop()


@pytest.fixture
def network(server: RedisServer) -> Iterator[TcpProxy]:
    """What lies between the server and everybody else."""
    proxy = TcpProxy(server.port)
    yield proxy
    proxy.close()


@pytest.fixture
def broker_url(network: TcpProxy) -> str:
    return f"redis://127.0.0.1:{network.port}/0"


def become_replica(server: RedisServer, network: TcpProxy) -> None:
    """The server is a replica after a failover: of a master that cannot be reached here."""
    server.client.execute_command("REPLICAOF", "127.0.0.1", "1")


def become_master(server: RedisServer, network: TcpProxy) -> None:
    server.client.execute_command("REPLICAOF", "NO", "ONE")


#: With each of these a worker can tell that something is wrong, and cannot tell what its tasks have done.
TROUBLES = {**server_trouble.TROUBLES, "a replica": Trouble(become_replica, become_master)}

#: Over in a moment; a worker need not notice.
MOMENTS = {
    "connections are cut": lambda server, _: server.client.client_kill_filter(_type="normal", skipme=True),
    "the network resets connections": lambda _, network: network.cut(),
    "scripts are forgotten": lambda server, _: server.client.script_flush(),
    "the server is restarted": lambda server, _: (server.kill(), server.start()),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_a_worker_outlives_a_server_that_is_gone_for_a_while(
    name: str,
    project: ModuleType,
    journal: Journal,
    start_worker: StartWorker,
    server: RedisServer,
    network: TcpProxy,
) -> None:
    trouble = TROUBLES[name]
    worker = start_worker("-c", "2").wait_until_ready()
    slow = project.work.delay("slow", 1.0)
    wait_until(lambda: journal.counts("start"), what="a task runs")

    trouble.begin(server, network)
    wait_until(lambda: journal.counts("done"), what="the task is done")
    wait_until(lambda: "settlements are kept" in worker.text(), what="the worker has noticed")
    trouble.end(server, network)
    took = seconds_until_work_goes_on(project, "after")

    assert took < RESUMED
    assert slow.get(timeout=10) == "slow"
    assert journal.counts("start") == {"slow": 1, "after": 1}
    wait_until(lambda: not project.app.broker.admin.depth("celery").claimed, what="nothing is claimed")
    assert worker.stop() == 0


@pytest.mark.parametrize("name", MOMENTS)
def test_a_worker_outlives_trouble_of_a_moment(
    name: str,
    project: ModuleType,
    journal: Journal,
    start_worker: StartWorker,
    server: RedisServer,
    network: TcpProxy,
) -> None:
    outlive_moments(project, journal, start_worker, lambda: MOMENTS[name](server, network))

    assert journal.counts("start") == {"slow": 1, "after": 1, "again": 1}


def test_a_worker_begins_anew_on_a_server_that_came_back_empty(
    project: ModuleType, journal: Journal, start_worker: StartWorker, server: RedisServer
) -> None:
    worker = start_worker("-c", "2").wait_until_ready()
    project.work.delay("slow", 1.0)
    wait_until(lambda: journal.counts("start"), what="a task runs")

    server.kill()
    server.forget()
    server.start()

    assert seconds_until_work_goes_on(project, "after") < RESUMED
    assert worker.stop() == 0
    assert journal.counts("start") == {"slow": 1, "after": 1}


def test_a_worker_on_a_full_server_tells_what_it_did_and_goes_on_when_there_is_room(
    project: ModuleType, journal: Journal, start_worker: StartWorker, server: RedisServer
) -> None:
    worker = start_worker("-c", "2").wait_until_ready()
    waiting = [project.work.delay(n, 0.5) for n in range(6)]
    wait_until(lambda: journal.counts("start"), what="a task runs")

    server.client.config_set("maxmemory", "1")
    with pytest.raises(OperationalError, match="OOM"):
        project.work.delay("refused")
    wait_until(lambda: "settlements are kept" in worker.text(), what="the worker has noticed")
    server.client.config_set("maxmemory", "0")

    assert seconds_until_work_goes_on(project, "after") < RESUMED
    assert [result.get(timeout=20) for result in waiting] == list(range(6))
    assert set(journal.counts("start").values()) == {1}
    assert worker.stop() == 0


def test_a_slow_network_makes_nothing_run_twice(
    project: ModuleType, journal: Journal, start_worker: StartWorker, network: TcpProxy
) -> None:
    worker = start_worker("-c", "2").wait_until_ready()

    network.delay(0.1)
    results = [project.blink.delay(n) for n in range(20)]

    assert [result.get(timeout=30) for result in results] == list(range(20))
    network.delay(0.0)
    assert set(journal.counts("start").values()) == {1}
    assert worker.stop() == 0


@pytest.mark.parametrize("name", ["killed", "frozen", "behind a black hole"])
def test_delay_fails_within_its_deadline_in_any_number_of_threads(
    name: str, project: ModuleType, server: RedisServer, network: TcpProxy
) -> None:
    project.work.delay("before")
    took: list[float] = []

    def publish() -> None:
        began = time.monotonic()
        with pytest.raises(OperationalError):
            project.work.delay("in vain")
        took.append(time.monotonic() - began)

    TROUBLES[name].begin(server, network)
    threads = [threading.Thread(target=publish) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    TROUBLES[name].end(server, network)

    print(f"longest {max(took):.2f} s")
    assert len(took) == 100
    assert max(took) < PUBLISH_DEADLINE
    project.work.delay("after")


def test_workers_do_not_take_each_other_for_dead_because_the_server_was_gone_for_long(
    project: ModuleType, journal: Journal, start_worker: StartWorker, server: RedisServer
) -> None:
    lease = 1.5
    workers = [start_worker("-c", "2", f"worker_lease={lease}").wait_until_ready() for _ in range(3)]
    results = [project.work.delay(n, 2.5) for n in range(6)]
    wait_until(lambda: len(journal.counts("start")) == 6, what="all tasks run")

    gone_at = time.monotonic()
    server.kill()
    wait_until(lambda: len(journal.counts("done")) == 6, what="all tasks are done")
    wait_until(lambda: time.monotonic() > gone_at + 2 * lease, what="every lease ran out meanwhile")
    server.start()

    assert [result.get(timeout=20) for result in results] == list(range(6))
    assert set(journal.counts("start").values()) == {1}
    assert [worker.stop() for worker in workers] == [0, 0, 0]


def test_a_worker_that_was_frozen_runs_all_that_it_claims_afterwards(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    cold = start_worker("-c", "2", "-n", "cold", "worker_lease=1").wait_until_ready()
    warm = start_worker("-c", "1", "-n", "warm", "worker_lease=1").wait_until_ready()
    results = [project.blink.delay(f"before-{n}") for n in range(100)]
    assert all(result.get(timeout=20) for result in results)

    for time_again in range(1, 4):
        cold.signal_group(signal.SIGSTOP)
        wait_until(lambda: len(project.app.broker.admin.nodes()) == 1, what="it is taken for dead")
        results = [project.blink.delay(f"{time_again}-{n}") for n in range(1000)]
        cold.signal_group(signal.SIGCONT)
        wait_until(
            lambda again=time_again: cold.text().count("took this one for dead") == again, what="it knows"
        )
        assert all(result.get(timeout=20) for result in results)

    assert [worker.stop() for worker in (cold, warm)] == [0, 0]
