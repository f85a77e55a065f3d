"""Schedulers that are killed: whatever dies, the schedule goes on, and no run is started twice."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from sedano.brokers.broker import Broker
from sedano.brokers.opening import open_broker
from tests.acceptance.beats import PROJECT, Beat, published_at
from tests.acceptance.workers import Worker, wait_until
from tests.servers.redis_server import RedisServer

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]

#: Seconds, in which the busiest scheduler is killed five times. The long run is `BEAT_SECONDS=60`.
LASTS = int(os.environ.get("BEAT_SECONDS", "24"))
#: No two runs of the entry of one second are farther apart. Seconds.
LONGEST_GAP = 3.0
#: How late a run may be on a machine that does other things as well. Seconds.
IN_TIME = 0.9


@pytest.fixture(params=["sqlite", "redis"])
def broker_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "redis":
        server = request.getfixturevalue("server")
        assert isinstance(server, RedisServer)
        return server.url
    return f"sqlite:///{tmp_path}/queue.db"


@pytest.fixture
def scheduled(directory: Path) -> Path:
    (directory / "scheduled.py").write_text(PROJECT)
    return directory


@pytest.fixture
def broker(broker_url: str) -> Iterator[Broker]:
    broker = open_broker(broker_url)
    yield broker
    broker.close()


@pytest.fixture
def start_beat(scheduled: Path) -> Iterator[Callable[[], Beat]]:
    beats: list[Beat] = []

    def start() -> Beat:
        beats.append(Beat(scheduled))
        return beats[-1]

    yield start
    for beat in beats:
        beat.kill()


def test_the_schedule_goes_on_while_schedulers_are_killed(
    start_beat: Callable[[], Beat], broker: Broker
) -> None:
    beats = [start_beat() for _ in range(5)]
    wait_until(lambda: any(beat.started for beat in beats), what="the first run")
    begun = time.time()
    kills = [begun + LASTS * number / 6 for number in range(1, 6)]

    for moment in kills:
        wait_until(lambda moment=moment: time.time() >= moment, what="the next kill")
        busiest = max(beats, key=lambda beat: beat.started)
        busiest.kill()
        beats.remove(busiest)
        beats.append(start_beat())
    wait_until(lambda: time.time() >= begun + LASTS, what="the end")
    for beat in beats:
        beat.kill()

    moments = sorted(
        moment
        for message in broker.admin.peek("celery", limit=1000)
        if (moment := published_at(message.task_id)) <= begun + LASTS
    )
    ticks = broker.ticks
    assert ticks is not None
    runs = ticks.states(["tick"], now=time.time())["tick"].runs
    assert abs(len(moments) - LASTS) <= 2
    assert abs(runs - len(moments)) <= 1
    assert max(later - earlier for earlier, later in pairwise(moments)) < LONGEST_GAP


def test_a_scheduler_ends_when_it_is_told_to(start_beat: Callable[[], Beat]) -> None:
    beat = start_beat()
    wait_until(lambda: beat.started >= 1, what="a run")

    assert beat.stop() == 0


def test_many_entries_start_in_time(
    start_beat: Callable[[], Beat], broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROJECT_ENTRIES", "200")
    beat = start_beat()

    wait_until(lambda: beat.started >= 200 * 5, what="five runs of each")

    assert beat.stop() == 0
    assert broker.ticks is not None
    names = ["tick", *(f"tick{number}" for number in range(1, 200))]
    states = broker.ticks.states(names, now=time.time()).values()
    (begin,) = {state.since % 1.0 for state in states}
    ids = [message.task_id for message in broker.admin.peek("celery", limit=10_000)]
    late = sorted((published_at(one) - begin) % 1.0 for one in ids)
    assert len(set(ids)) == len(ids) == sum(state.runs for state in states)
    assert late[len(late) * 99 // 100] < IN_TIME


def test_workers_with_schedulers_beside_them_share_the_schedule(
    scheduled: Path, broker: Broker, tmp_path: Path
) -> None:
    workers = [Worker(scheduled, "-B", "-c", "1", app="scheduled") for _ in range(2)]
    try:
        for worker in workers:
            worker.wait_until_ready()
        journal = tmp_path / "journal"
        wait_until(lambda: journal.exists() and journal.read_text().count("tick") >= 3, what="three runs")
        first, second = workers

        first.kill()
        before = journal.read_text().count("tick")
        wait_until(lambda: journal.read_text().count("tick") >= before + 3, what="three more runs")

        assert second.stop() == 0
        ticks = broker.ticks
        assert ticks is not None
        runs = ticks.states(["tick"], now=time.time())["tick"].runs
        waiting = len(broker.admin.peek("celery"))
        assert abs(journal.read_text().count("tick") + waiting - runs) <= 1
    finally:
        for worker in workers:
            worker.kill()


def test_a_scheduler_beside_a_worker_that_dies_is_replaced(scheduled: Path, tmp_path: Path) -> None:
    worker = Worker(scheduled, "-B", "-c", "1", app="scheduled").wait_until_ready()
    try:
        journal = tmp_path / "journal"
        wait_until(lambda: journal.exists(), what="a run")
        pid = _scheduler_of(worker)

        os.kill(pid, signal.SIGKILL)

        wait_until(lambda: "The scheduler beside this worker ended" in worker.text(), what="the news")
        wait_until(lambda: pid != _scheduler_of(worker), what="another scheduler")
    finally:
        worker.kill()


def _scheduler_of(worker: Worker) -> int:
    """The process that has started the last run."""
    return int(worker.text().rpartition("] Scheduler: ")[0].rpartition("INFO/")[2])
