"""Schedulers on Redis: a server that goes away, and a cluster, where no step reaches claims and messages."""

import os
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from sedano.brokers.broker import Broker
from sedano.brokers.opening import open_broker
from sedano.redis.cluster_link import slot_of
from tests.acceptance.beats import PROJECT, Beat, published_at
from tests.acceptance.workers import wait_until
from tests.servers.redis_groups import private_cluster, private_redis
from tests.servers.redis_server import RedisServer

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]

#: Seconds, in which the busiest scheduler is killed again and again.
LASTS = int(os.environ.get("BEAT_SECONDS", "12"))

UNPUBLISHED = "sedano:{schedule}:unpublished"


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RedisServer]]:
    with private_cluster(tmp_path_factory.mktemp("cluster")) as nodes:
        yield nodes


@pytest.fixture
def broker_url(nodes: list[RedisServer]) -> str:
    for node in nodes:
        node.client.flushall()
    return f"redis+cluster://127.0.0.1:{nodes[0].port}"


@pytest.fixture
def broker(broker_url: str) -> Iterator[Broker]:
    broker = open_broker(broker_url)
    yield broker
    broker.close()


@pytest.fixture
def start_beat(directory: Path) -> Iterator[Callable[[], Beat]]:
    (directory / "scheduled.py").write_text(PROJECT)
    beats: list[Beat] = []

    def start() -> Beat:
        beats.append(Beat(directory))
        return beats[-1]

    yield start
    for beat in beats:
        beat.kill()


def holder(nodes: list[RedisServer], key: str) -> RedisServer:
    return nodes[slot_of(key) * 3 // 16384]


def published(broker: Broker) -> list[str]:
    return [message.task_id for message in broker.admin.peek("celery", limit=1000)]


def claimed(broker: Broker) -> int:
    assert broker.ticks is not None
    return broker.ticks.states(["tick"], now=time.time())["tick"].runs


def test_the_schedule_goes_on_while_schedulers_are_killed(
    start_beat: Callable[[], Beat], broker: Broker
) -> None:
    beats = [start_beat() for _ in range(3)]
    wait_until(lambda: any(beat.started for beat in beats), what="the first run")
    begun = time.time()

    for kill in range(1, 4):
        moment = begun + LASTS * kill / 4
        wait_until(lambda moment=moment: time.time() >= moment, what="the next kill")
        busiest = max(beats, key=lambda beat: beat.started)
        busiest.kill()
        beats.remove(busiest)
        beats.append(start_beat())
    wait_until(lambda: time.time() >= begun + LASTS, what="the end")
    assert broker.ticks is not None
    ticks = broker.ticks
    # What one that was killed had claimed, and not published, comes some seconds later.
    wait_until(lambda: not ticks.unpublished(limit=1), what="all are published")
    assert [beat.stop() for beat in beats] == [0, 0, 0]

    moments = sorted(published_at(task_id) for task_id in set(published(broker)))
    assert len(moments) == claimed(broker)
    within = [moment for moment in moments if moment <= begun + LASTS]
    assert abs(len(within) - LASTS) <= 2
    assert max(later - earlier for earlier, later in pairwise(moments)) < 3.0


def test_what_a_killed_scheduler_had_claimed_and_not_published_another_one_publishes(
    start_beat: Callable[[], Beat], broker: Broker, nodes: list[RedisServer]
) -> None:
    schedule, queue = holder(nodes, UNPUBLISHED), holder(nodes, "celery")
    assert schedule is not queue
    dying = start_beat()
    wait_until(lambda: published(broker), what="the first run")

    queue.freeze()
    try:
        wait_until(lambda: schedule.client.llen(UNPUBLISHED), what="a run that was claimed")
        dying.kill()
    finally:
        queue.thaw()
    assert broker.ticks is not None
    left = {one.publication.task_id for one in broker.ticks.unpublished(limit=10)}
    assert left
    other = start_beat()

    wait_until(lambda: left <= set(published(broker)), what="the run that was left")
    wait_until(lambda: not schedule.client.llen(UNPUBLISHED), what="it is forgotten")
    wait_until(lambda: other.started >= 1, what="the next run")
    assert other.stop() == 0

    found = published(broker)
    assert len(set(found)) == claimed(broker)
    # The server may have taken what the dead one sent, before the other published it once more.
    assert len(found) <= claimed(broker) + len(left)


def test_what_is_due_while_the_broker_is_away_runs_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with private_redis(tmp_path / "redis", "--appendonly", "yes", "--appendfsync", "always") as server:
        (tmp_path / "scheduled.py").write_text(PROJECT)
        monkeypatch.setenv("PROJECT_BROKER", server.url)
        monkeypatch.setenv("JOURNAL", str(tmp_path / "journal"))
        server.kill()
        beats = [Beat(tmp_path) for _ in range(2)]
        try:
            wait_until(lambda: all("Trying again" in beat.text() for beat in beats), what="they wait")
            server.start()
            wait_until(lambda: sum(beat.started for beat in beats) >= 2, what="two runs")
            server.kill()
            wait_until(
                lambda: all(beat.text().count("Trying again") == 2 for beat in beats), what="they know"
            )
            server.start()
            before = sum(beat.started for beat in beats)
            wait_until(lambda: sum(beat.started for beat in beats) >= before + 3, what="three more")
        finally:
            for beat in beats:
                beat.kill()

        broker = open_broker(server.url)
        ids = [message.task_id for message in broker.admin.peek("celery", limit=1000)]
        assert broker.ticks is not None
        assert len(set(ids)) == len(ids) == broker.ticks.states(["tick"], now=time.time())["tick"].runs
        broker.close()
