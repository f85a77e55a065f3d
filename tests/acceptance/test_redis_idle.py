"""A worker with nothing to do: what it costs its Redis, and how soon it is there when something is due."""

import itertools
import statistics
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType

import psutil
import pytest
from redis import Redis

from tests.acceptance.workers import Journal, Worker, wait_until
from tests.servers.redis_server import RedisServer

pytestmark = pytest.mark.acceptance

StartWorker = Callable[..., Worker]

#: An idle worker's.
COMMANDS_A_SECOND = 5.0
#: How long an idle worker is watched: more than one renewal of its lease. Seconds.
WATCHED = 6.0
#: The 99th percentile of late starts: 100 ms, with room for a busy machine. Seconds.
LATENESS = 0.25
#: So often it may be missed while the machine is busy.
ROUNDS = 8


@pytest.fixture
def broker_url(server: RedisServer) -> str:
    return server.url


def commands(server: RedisServer, seconds: float) -> Counter[str]:
    """What clients ask of the server meanwhile, by command. What scripts do counts as one, the script's."""
    said: Counter[str] = Counter()
    with Redis(port=server.port) as bystander, server.client.monitor() as monitor:
        bystander.ping()
        end = time.monotonic() + seconds
        wait_until(lambda: time.monotonic() >= end, what="the server was watched")
        bystander.echo("enough")
        heard = iter(monitor.next_command, None)
        for one in itertools.dropwhile(lambda one: one["command"] != "PING", heard):
            if one["command"].startswith("ECHO"):
                break
            if one["client_type"] != "lua":
                said[one["command"].partition(" ")[0]] += 1
    said["PING"] -= 1
    return +said


def connections(worker: Worker, server: RedisServer) -> int:
    """How many all the worker's processes have."""
    return sum(
        one.status == psutil.CONN_ESTABLISHED and one.raddr.port == server.port
        for process in worker.processes()
        for one in process.net_connections(kind="tcp")
    )


def blocked(server: RedisServer) -> int:
    """How many connections wait for a message."""
    return server.client.info("clients")["blocked_clients"]


@pytest.mark.parametrize("queues", [1, 4])
def test_an_idle_worker_asks_little_of_its_server(
    queues: int, project: ModuleType, start_worker: StartWorker, server: RedisServer
) -> None:
    names = [f"queue-{number}" for number in range(queues)]
    worker = start_worker("-c", "2", "-Q", ",".join(names)).wait_until_ready()
    results = [project.blink.apply_async((name,), queue=name) for name in names * 5]
    assert [result.get(timeout=20) for result in results] == names * 5
    project.app.close()
    wait_until(lambda: blocked(server) == queues, what="the worker waits for every queue")
    said = commands(server, WATCHED)

    print(f"{queues} queues: {said.total() / WATCHED:.1f} commands a second, {dict(said)}")
    assert said.total() / WATCHED <= COMMANDS_A_SECOND
    assert 0 < connections(worker, server) <= 2 + queues
    assert worker.stop() == 0


def test_tasks_start_at_their_time_while_slots_are_idle(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    worker = start_worker("-c", "2").wait_until_ready()
    project.blink.delay("warm").get(timeout=20)

    rounds = (p99_of_late_starts(project, journal, f"round-{number}") for number in range(ROUNDS))

    assert any(late <= LATENESS for late in rounds)
    assert worker.stop() == 0


def p99_of_late_starts(project: ModuleType, journal: Journal, name: str) -> float:
    """Publish tasks that are due within the next seconds, in no order, and see how late they start."""
    now = time.time()
    due = {f"{name}-{number}": now + 0.5 + (number * 37 % 60) / 30 for number in range(60)}
    for key, moment in due.items():
        project.blink.apply_async((key,), eta=datetime.fromtimestamp(moment, UTC))
    wait_until(lambda: due.keys() <= journal.counts("done").keys(), what="every task was run")
    late = [journal.times("start", key)[0] - moment for key, moment in due.items()]
    assert min(late) > -0.005
    p99 = statistics.quantiles(late, n=100)[98]
    print(f"99th percentile of late starts: {p99 * 1000:.0f} ms")
    return p99
