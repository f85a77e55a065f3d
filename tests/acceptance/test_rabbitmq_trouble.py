"""A worker whose RabbitMQ has trouble goes on by itself, and loses nothing.

What a worker holds is its connection's. When that ends, the server gives it to whoever asks first: to this
worker, whose children go on with it, or to another one, which runs it once more.
"""

import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from sedano.exceptions import OperationalError
from tests.acceptance.workers import Journal, Worker, wait_until
from tests.servers.rabbitmq_server import RabbitServer
from tests.servers.tcp_proxy import TcpProxy

pytestmark = pytest.mark.acceptance

StartWorker = Callable[..., Worker]

#: Within this a worker works again when its server is back: 5 seconds, and as much for a busy machine.
RESUMED = 10.0
#: Of the leases here, seconds: as short as a connection's heartbeat allows.
LEASE = "worker_lease=2"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RabbitServer]:
    folder = tmp_path / "rabbitmq"
    folder.mkdir()
    server = RabbitServer(folder)
    yield server
    server.stop()


@pytest.fixture
def network(server: RabbitServer) -> Iterator[TcpProxy]:
    """What lies between the server and everybody else."""
    proxy = TcpProxy(server.port)
    yield proxy
    proxy.close()


@pytest.fixture
def vhost(server: RabbitServer) -> str:
    return server.new_vhost().rpartition("/")[2]


@pytest.fixture
def broker_url(
    server: RabbitServer, network: TcpProxy, vhost: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    monkeypatch.setenv("PROJECT_RESULTS", f"sqlite:///{tmp_path}/results.db")
    return f"amqp://guest:guest@127.0.0.1:{network.port}/{vhost}"


@dataclass(frozen=True)
class Trouble:
    """How it begins, and how it ends."""

    begin: Callable[[RabbitServer, TcpProxy], object]
    end: Callable[[RabbitServer, TcpProxy], object]


def lose_the_network(server: RabbitServer, network: TcpProxy) -> None:
    network.hold()
    network.cut()


TROUBLES = {
    "killed": Trouble(lambda server, _: server.kill(), lambda server, _: server.start()),
    "shut down": Trouble(lambda server, _: server.shut_down(), lambda server, _: server.start()),
    "frozen": Trouble(lambda server, _: server.freeze(), lambda server, _: server.thaw()),
    "behind a black hole": Trouble(lambda _, network: network.hold(), lambda _, network: network.go_on()),
    "cut off": Trouble(lose_the_network, lambda _, network: network.go_on()),
}

#: Over in a moment.
MOMENTS: dict[str, Callable[[RabbitServer, TcpProxy], object]] = {
    "an administrator closes all connections": lambda server, _: server.close_connections(),
    "the network resets connections": lambda _, network: network.cut(),
}


def seconds_until_work_goes_on(project: ModuleType, key: str) -> float:
    """Publish a task, and see how long its result takes to come."""
    began = time.monotonic()
    assert project.work.delay(key).get(timeout=60) == key
    took = time.monotonic() - began
    print(f"resumed after {took:.2f} s")
    return took


def test_tasks_run_and_tell_their_results(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    worker = start_worker("-c", "2").wait_until_ready()

    results = [project.blink.delay(n) for n in range(200)]
    asked_at = time.time()
    late = project.work.apply_async(("late",), countdown=2.5)

    assert [result.get(timeout=30) for result in results] == list(range(200))
    assert late.get(timeout=30) == "late"
    assert journal.times("start", "late")[0] - asked_at == pytest.approx(2.6, abs=0.2)
    assert set(journal.counts("start").values()) == {1}
    assert project.fail_twice.delay("retry").get(timeout=30) == 2
    assert worker.stop() == 0


@pytest.mark.parametrize("name", TROUBLES)
def test_a_worker_outlives_a_server_that_is_gone_for_a_while(
    name: str,
    project: ModuleType,
    journal: Journal,
    start_worker: StartWorker,
    server: RabbitServer,
    network: TcpProxy,
) -> None:
    trouble = TROUBLES[name]
    worker = start_worker("-c", "2", LEASE).wait_until_ready()
    slow = project.work.delay("slow", 1.0)
    wait_until(lambda: journal.counts("start"), what="a task runs")

    trouble.begin(server, network)
    wait_until(lambda: "rabbitmq broker is unavailable" in worker.text(), what="the worker has noticed")
    trouble.end(server, network)
    took = seconds_until_work_goes_on(project, "after")

    assert took < RESUMED
    assert slow.get(timeout=20) == "slow"
    assert journal.counts("done")["slow"] >= 1
    assert worker.stop() == 0


@pytest.mark.parametrize("name", MOMENTS)
def test_a_worker_outlives_trouble_of_a_moment(
    name: str,
    project: ModuleType,
    journal: Journal,
    start_worker: StartWorker,
    server: RabbitServer,
    network: TcpProxy,
) -> None:
    worker = start_worker("-c", "2").wait_until_ready()
    slow = project.work.delay("slow", 0.5)
    wait_until(lambda: journal.counts("start"), what="a task runs")

    MOMENTS[name](server, network)
    took = seconds_until_work_goes_on(project, "after")
    assert slow.get(timeout=20) == "slow"
    MOMENTS[name](server, network)  # now the worker is idle

    assert max(took, seconds_until_work_goes_on(project, "again")) < RESUMED
    assert journal.counts("start")["again"] == 1
    assert worker.stop() == 0


def test_a_worker_begins_anew_in_a_virtual_host_that_was_deleted_and_made_again(
    project: ModuleType, journal: Journal, start_worker: StartWorker, server: RabbitServer, vhost: str
) -> None:
    worker = start_worker("-c", "2", LEASE).wait_until_ready()
    project.work.delay("slow", 1.0)
    wait_until(lambda: journal.counts("start"), what="a task runs")

    server.ctl("delete_vhost", vhost)
    wait_until(lambda: "settlements are kept" in worker.text(), what="the worker has noticed")
    server.ctl("add_vhost", vhost)
    server.ctl("set_permissions", "-p", vhost, "guest", ".*", ".*", ".*")

    assert seconds_until_work_goes_on(project, "after") < RESUMED
    assert worker.stop() == 0


def test_what_a_killed_worker_held_runs_elsewhere(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    first = start_worker("-c", "2").wait_until_ready()
    results = [project.work.delay(n, 1.0) for n in range(4)]
    wait_until(lambda: len(journal.counts("start")) == 2, what="two tasks run")

    first.kill()
    second = start_worker("-c", "2").wait_until_ready()

    assert [result.get(timeout=30) for result in results] == list(range(4))
    assert max(journal.counts("start").values()) == 2
    assert second.stop() == 0


def test_what_a_frozen_worker_held_runs_elsewhere_and_it_commits_nothing(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    frozen = start_worker("-c", "1", LEASE).wait_until_ready()
    result = project.work.delay("slow", 1.0)
    wait_until(lambda: journal.counts("start"), what="the task runs")

    frozen.signal_group(signal.SIGSTOP)
    other = start_worker("-c", "1", LEASE).wait_until_ready()
    assert result.get(timeout=30) == "slow"
    frozen.signal_group(signal.SIGCONT)

    wait_until(lambda: "took this one for dead" in frozen.text(), what="it knows")
    assert seconds_until_work_goes_on(project, "after") < RESUMED
    assert [worker.stop() for worker in (frozen, other)] == [0, 0]


def test_no_ready_task_waits_for_a_busy_worker(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    busy = start_worker("-c", "2", "-n", "busy").wait_until_ready()
    long = [project.work.delay(f"long-{n}", 4.0) for n in range(2)]
    wait_until(lambda: len(journal.counts("start")) == 2, what="it is busy")
    waiting = [project.blink.delay(n) for n in range(20)]

    other = start_worker("-c", "2", "-n", "other").wait_until_ready()

    assert [result.get(timeout=10) for result in waiting] == list(range(20))
    assert not journal.counts("done")["long-0"]
    assert [result.get(timeout=20) for result in long] == ["long-0", "long-1"]
    assert [worker.stop() for worker in (busy, other)] == [0, 0]


def test_a_task_that_kills_its_worker_is_buried(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    worker = start_worker("-c", "1", "task_max_crashes=1").wait_until_ready()

    project.kill_own_process.delay("a")

    wait_until(lambda: project.app.broker.admin.dead_letters(), what="it is buried")
    (letter,) = project.app.broker.admin.dead_letters()
    assert letter.task == "project.kill_own_process"
    assert journal.counts("start")["a"] == 2
    assert seconds_until_work_goes_on(project, "after") < RESUMED
    assert worker.stop() == 0


def test_a_server_that_lets_nobody_publish_is_reported_and_waited_for(
    project: ModuleType, journal: Journal, start_worker: StartWorker, server: RabbitServer
) -> None:
    worker = start_worker("-c", "2", LEASE).wait_until_ready()
    slow = project.work.delay("slow", 3.0)
    wait_until(lambda: journal.counts("start"), what="a task runs")

    server.block_publishers()
    wait_until(lambda: "connection.blocked" in worker.text(), what="the worker says so")
    with pytest.raises(OperationalError, match=r"connection\.blocked|no answer"):
        project.work.delay("refused")
    wait_until(lambda: journal.counts("done"), what="the task is done")
    server.unblock_publishers()

    assert slow.get(timeout=20) == "slow"
    assert seconds_until_work_goes_on(project, "after") < RESUMED
    assert journal.counts("start")["slow"] == 1
    assert worker.stop() == 0


def test_a_task_may_run_for_longer_than_the_server_lets_a_message_be_held(
    tmp_path: Path,
    project: ModuleType,
    journal: Journal,
    start_worker: StartWorker,
    server: RabbitServer,
) -> None:
    # The server looks once a minute; for a test, every second.
    server.evaluate("application:set_env(rabbit, channel_tick_interval, 1000).")
    server.evaluate("application:set_env(rabbit, consumer_timeout, 6000).")
    options = 'broker_transport_options={"consumer_timeout": 6}'
    worker = start_worker("-c", "2", options, "worker_lease=4").wait_until_ready()

    assert project.work.delay("long", 12.0).get(timeout=40) == "long"

    assert journal.counts("start") == {"long": 1}
    assert seconds_until_work_goes_on(project, "after") < RESUMED
    assert worker.stop() == 0
