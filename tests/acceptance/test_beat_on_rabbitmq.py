"""Schedulers whose messages go through RabbitMQ, and whose claims are beside the results."""

import os
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from sedano.brokers.broker import Broker
from sedano.brokers.opening import open_broker
from sedano.brokers.ticks import TickStore
from tests.acceptance.beats import PROJECT, Beat, published_at
from tests.acceptance.workers import wait_until
from tests.servers.rabbitmq_server import RabbitServer
from tests.servers.redis_server import RedisServer

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]

#: Seconds, in which the busiest scheduler is killed again and again.
LASTS = int(os.environ.get("BEAT_SECONDS", "12"))


@pytest.fixture
def broker_url(amqp_url: str) -> str:
    return amqp_url


@pytest.fixture(params=["sqlite", "redis"])
def results_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "redis":
        server = request.getfixturevalue("server")
        assert isinstance(server, RedisServer)
        return server.url
    return f"sqlite:///{tmp_path}/results.db"


@pytest.fixture
def broker(broker_url: str) -> Iterator[Broker]:
    broker = open_broker(broker_url)
    yield broker
    broker.close()


@pytest.fixture
def ticks(results_url: str) -> Iterator[TickStore]:
    place = open_broker(results_url)
    assert place.ticks is not None
    yield place.ticks
    place.close()


@pytest.fixture
def start_beat(
    directory: Path, results_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Beat]]:
    (directory / "scheduled.py").write_text(PROJECT)
    monkeypatch.setenv("PROJECT_RESULTS", results_url)
    beats: list[Beat] = []

    def start() -> Beat:
        beats.append(Beat(directory))
        return beats[-1]

    yield start
    for beat in beats:
        beat.kill()


def published(broker: Broker) -> list[str]:
    return [message.task_id for message in broker.admin.peek("celery", limit=1000)]


def claimed(ticks: TickStore) -> int:
    return ticks.states(["tick"], now=time.time())["tick"].runs


def test_the_schedule_goes_on_while_schedulers_are_killed(
    start_beat: Callable[[], Beat], broker: Broker, ticks: TickStore
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
    # What one that was killed had claimed, and not published, comes some seconds later.
    wait_until(lambda: not ticks.unpublished(limit=1), what="all are published")
    assert [beat.stop() for beat in beats] == [0, 0, 0]

    moments = sorted(published_at(task_id) for task_id in set(published(broker)))
    assert len(moments) == claimed(ticks)
    within = [moment for moment in moments if moment <= begun + LASTS]
    assert abs(len(within) - LASTS) <= 2
    assert max(later - earlier for earlier, later in pairwise(moments)) < 3.0


def test_what_a_killed_scheduler_had_claimed_and_not_published_another_one_publishes(
    start_beat: Callable[[], Beat], broker: Broker, ticks: TickStore, rabbitmq: RabbitServer
) -> None:
    dying = start_beat()
    wait_until(lambda: published(broker), what="the first run")

    rabbitmq.freeze()
    try:
        wait_until(lambda: ticks.unpublished(limit=1), what="a run that was claimed")
        dying.kill()
    finally:
        rabbitmq.thaw()
    left = {one.publication.task_id for one in ticks.unpublished(limit=10)}
    assert left
    other = start_beat()

    wait_until(lambda: left <= set(published(broker)), what="the run that was left")
    wait_until(lambda: not ticks.unpublished(limit=1), what="it is forgotten")
    wait_until(lambda: other.started >= 1, what="the next run")
    assert other.stop() == 0

    found = published(broker)
    assert len(set(found)) == claimed(ticks)
    # The server may have taken what the dead one sent, before the other published it once more.
    assert len(found) <= claimed(ticks) + len(left)
