"""Workers, their broker and their results in a Redis Cluster."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from redis.cluster import RedisCluster

from sedano import chord
from sedano.redis.cluster_link import slot_of
from tests.acceptance.workers import Journal, Worker, wait_until
from tests.servers.key_owners import leaks
from tests.servers.redis_groups import begin_to_move, end_moving, private_cluster
from tests.servers.redis_server import RedisServer

pytestmark = pytest.mark.acceptance

StartWorker = Callable[..., Worker]


@pytest.fixture(scope="module")
def started_nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RedisServer]]:
    with private_cluster(tmp_path_factory.mktemp("cluster")) as nodes:
        yield nodes


@pytest.fixture
def nodes(started_nodes: list[RedisServer]) -> Iterator[list[RedisServer]]:
    """A cluster with nothing in it."""
    for node in started_nodes:
        node.client.flushall()
    yield started_nodes
    with RedisCluster(host="127.0.0.1", port=started_nodes[0].port) as client:
        assert leaks(client) == []


@pytest.fixture
def broker_url(nodes: list[RedisServer]) -> str:
    return f"redis+cluster://127.0.0.1:{nodes[0].port}"


def test_a_worker_runs_what_is_published_and_stores_what_it_returns(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    worker = start_worker("-c", "2", "-Q", "celery,mail,slow").wait_until_ready()

    results = [
        project.blink.apply_async((n,), queue=queue, priority=priority)
        for n, (queue, priority) in enumerate(
            (queue, priority) for queue in ("celery", "mail", "slow") for priority in range(0, 10, 3)
        )
    ]
    results += project.blink.publish_many((n,) for n in range(100, 400))
    retried = project.fail_twice.delay("retried")

    assert [result.get(timeout=60) for result in results] == [*range(12), *range(100, 400)]
    assert retried.get(timeout=60) == 2
    assert worker.stop() == 0
    assert set(journal.counts("start").values()) == {1, 3}
    assert project.app.broker.admin.queues() == []


def test_another_worker_takes_over_what_a_killed_one_was_running(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    killed = start_worker("-c", "2", "worker_lease=1.5").wait_until_ready()
    results = [project.work.delay(n, 0.5) for n in range(6)]
    wait_until(lambda: journal.counts("start"), what="a task runs")

    killed.signal_group(signal.SIGKILL)
    other = start_worker("-c", "2", "worker_lease=1.5").wait_until_ready()

    assert [result.get(timeout=60) for result in results] == list(range(6))
    assert other.stop() == 0
    assert project.app.broker.admin.nodes() == []


def test_nothing_is_lost_or_run_twice_while_the_slot_of_its_queue_moves(
    project: ModuleType, journal: Journal, start_worker: StartWorker, nodes: list[RedisServer]
) -> None:
    worker = start_worker("-c", "2").wait_until_ready()
    slot = slot_of("celery")
    source = nodes[slot * 3 // 16384]
    target, other = (node for node in nodes if node is not source)
    results = []

    for _ in range(3):
        results += [project.blink.delay(len(results) + n) for n in range(50)]
        begin_to_move(slot, source, target)
        results += [project.blink.delay(len(results) + n) for n in range(50)]
        end_moving(slot, source, target, [other])
        results += [project.blink.delay(len(results) + n) for n in range(50)]
        source, target = target, source

    assert [result.get(timeout=60) for result in results] == list(range(450))
    assert worker.stop() == 0
    assert set(journal.counts("start").values()) == {1}


def test_chords_end_once_though_their_keys_and_their_messages_are_on_different_servers(
    project: ModuleType, journal: Journal, start_worker: StartWorker, directory: Path
) -> None:
    killed = start_worker("-c", "2", "worker_lease=1.5").wait_until_ready()
    nested = chord(
        [chord([project.add.s(n) for n in range(4)], project.total.s()) for _ in range(3)], project.total.s()
    ).apply_async()
    assert nested.get(timeout=60) == 18

    result = chord([project.add.s(n) for n in range(10)], project.slowly_begun_total.s()).apply_async()
    wait_until(lambda: journal.counts("joining"), what="the chord is being ended")
    killed.kill()
    (directory / "go-on").touch()
    other = start_worker("-c", "2", "worker_lease=1.5").wait_until_ready()

    assert result.get(timeout=60) == sum(range(10))
    assert journal.counts("start")["total"] == 3 + 1 + 1
    assert other.stop() == 0
