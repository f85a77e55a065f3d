"""A worker whose RabbitMQ has trouble goes on by itself, and loses nothing.

What a worker holds is its connection's. When that ends, the server gives it to whoever asks first: to this
worker, whose children go on with it, or to another one, which runs it once more.
"""

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from sedano.exceptions import OperationalError
from tests.acceptance import server_trouble
from tests.acceptance.server_trouble import (
    RESUMED,
    Happening,
    StartWorker,
    Trouble,
    outlive_moments,
    seconds_until_work_goes_on,
)
from tests.acceptance.workers import Journal, wait_until
from tests.servers.rabbitmq_server import PATIENT, RabbitServer, vhost_of
from tests.servers.tcp_proxy import TcpProxy

pytestmark = pytest.mark.acceptance

#: Of the leases here, seconds: as short as a connection's heartbeat allows.
LEASE = "worker_lease=2"


@pytest.fixture(scope="module")
def started_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    """Of these tests alone, as they kill it."""
    server = RabbitServer(tmp_path_factory.mktemp("rabbitmq"))
    yield server
    server.stop()


@pytest.fixture
def server(started_server: RabbitServer) -> Iterator[RabbitServer]:
    """The same. It runs, whatever was done to it before."""
    yield started_server
    if started_server.is_running:
        started_server.thaw()
    else:
        started_server.start()


@pytest.fixture
def network(server: RabbitServer) -> Iterator[TcpProxy]:
    """What lies between the server and everybody else."""
    proxy = TcpProxy(server.port)
    yield proxy
    proxy.close()


@pytest.fixture
def vhost(server: RabbitServer) -> Iterator[str]:
    """The URL of an empty one, without the network."""
    url = server.new_vhost()
    yield url
    server.give_back(url)


@pytest.fixture
def broker_url(network: TcpProxy, vhost: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("PROJECT_RESULTS", f"sqlite:///{tmp_path}/results.db")
    return f"amqp://guest:guest@127.0.0.1:{network.port}/{vhost_of(vhost)}"


TROUBLES = {
    **server_trouble.TROUBLES,
    "shut down": Trouble(lambda server, _: server.shut_down(), lambda server, _: server.start()),
}

#: The server's settings that say how long a message may be held, milliseconds.
IMPATIENCE = {"channel_tick_interval": 1000, "consumer_timeout": 4000}

#: Over in a moment.
MOMENTS: dict[str, Happening] = {
    "an administrator closes all connections": lambda server, _: server.close_connections(),
    "the network resets connections": lambda _, network: network.cut(),
}


def test_tasks_run_and_tell_their_results_over_one_connection(
    project: ModuleType, journal: Journal, start_worker: StartWorker, server: RabbitServer, vhost: str
) -> None:
    # The first message with a countdown has all queues of delays made: a busy server takes its time for it.
    project.app.conf.broker_publish_timeout = PATIENT
    worker = start_worker("-c", "2", "-n", "proj").wait_until_ready()

    results = [project.blink.delay(n) for n in range(200)]
    asked_at = time.time()
    late = project.work.apply_async(("late",), countdown=2.5)

    assert [result.get(timeout=30) for result in results] == list(range(200))
    assert late.get(timeout=30) == "late"
    assert 2.5 <= journal.times("start", "late")[0] - asked_at < 20
    assert set(journal.counts("start").values()) == {1}
    assert project.fail_twice.delay("retry").get(timeout=30) == 2
    others = [name for name in server.connection_names(vhost) if not name.startswith("sedano ")]
    assert [name.partition("@")[0] for name in others] == ["proj"]
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
    outlive_moments(project, journal, start_worker, lambda: MOMENTS[name](server, network))

    assert journal.counts("start")["again"] == 1


def test_a_worker_begins_anew_in_a_virtual_host_that_was_deleted_and_made_again(
    project: ModuleType, journal: Journal, start_worker: StartWorker, server: RabbitServer, vhost: str
) -> None:
    worker = start_worker("-c", "2", LEASE).wait_until_ready()
    project.work.delay("slow", 1.0)
    wait_until(lambda: journal.counts("start"), what="a task runs")

    server.delete_vhost(vhost)
    wait_until(lambda: "settlements are kept" in worker.text(), what="the worker has noticed")
    server.make_vhost(vhost)

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
    long = [project.work.delay(f"long-{n}", 2.5) for n in range(2)]
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


@pytest.fixture
def impatient_server(server: RabbitServer) -> Iterator[RabbitServer]:
    """It takes back what has been held for 4 seconds, and looks every second: usually once a minute."""
    before = {name: server.evaluate(f"application:get_env(rabbit, {name})") for name in IMPATIENCE}
    for name, milliseconds in IMPATIENCE.items():
        server.evaluate(f"application:set_env(rabbit, {name}, {milliseconds})")
    yield server
    for name, was in before.items():
        value = was.removeprefix("{ok,").removesuffix("}")
        server.evaluate(f"application:set_env(rabbit, {name}, {value})")


@pytest.mark.parametrize("told", [True, False])
def test_a_task_may_run_for_longer_than_the_server_lets_a_message_be_held(
    told: bool,
    impatient_server: RabbitServer,
    project: ModuleType,
    journal: Journal,
    start_worker: StartWorker,
) -> None:
    """A worker that has not been told loses its channel, and has the message again before another has it."""
    options = ['broker_transport_options={"consumer_timeout": 4}'] if told else []
    worker = start_worker("-c", "2", *options, "worker_lease=4").wait_until_ready()

    assert project.work.delay("long", 6.5).get(timeout=40) == "long"
    assert ("settlements are kept" in worker.text()) != told

    assert journal.counts("start") == {"long": 1}
    assert seconds_until_work_goes_on(project, "after") < RESUMED
    assert worker.stop() == 0
