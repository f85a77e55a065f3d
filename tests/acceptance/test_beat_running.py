"""A scheduler of many entries, and schedulers beside workers."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from sedano import Sedano
from sedano.brokers.broker import Broker
from sedano.brokers.opening import open_broker
from tests.acceptance.beats import PROJECT, Beat, published_at
from tests.acceptance.workers import Worker, wait_until
from tests.servers.redis_server import RedisServer

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]

#: How late a run may be on a machine that does other things as well. Seconds.
IN_TIME: Final = 0.9
#: Within so many seconds schedulers heed what was changed.
HEEDED: Final = 2.0


@pytest.fixture(params=["sqlite", "redis"])
def broker_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "redis":
        server = request.getfixturevalue("server")
        assert isinstance(server, RedisServer)
        return server.url
    return f"sqlite:///{tmp_path}/queue.db"


@pytest.fixture
def scheduled(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROJECT_EVERY", "0.25")
    (directory / "scheduled.py").write_text(PROJECT)
    return directory


@pytest.fixture
def broker(broker_url: str) -> Iterator[Broker]:
    broker = open_broker(broker_url)
    yield broker
    broker.close()


def test_many_entries_start_in_time(scheduled: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROJECT_ENTRIES", "200")
    monkeypatch.setenv("PROJECT_EVERY", "1")
    beat = Beat(scheduled)
    try:
        wait_until(lambda: beat.started >= 200 * 2, what="two runs of each")
        assert beat.stop() == 0
    finally:
        beat.kill()

    assert broker.ticks is not None
    names = ["tick", *(f"tick{number}" for number in range(1, 200))]
    states = broker.ticks.states(names, now=time.time()).values()
    (begin,) = {state.since % 1.0 for state in states}
    ids = [message.task_id for message in broker.admin.peek("celery", limit=10_000)]
    # Ids are of the millisecond that has begun: one may seem to be from before its moment.
    late = sorted((published_at(one) + 0.001 - begin) % 1.0 for one in ids)
    assert len(set(ids)) == len(ids) == sum(state.runs for state in states)
    assert late[len(late) * 99 // 100] < IN_TIME


def test_an_entry_made_at_run_time_runs_until_it_is_removed(
    scheduled: Path, broker_url: str, broker: Broker
) -> None:
    ticks = broker.ticks
    assert ticks is not None

    def last_run(name: str) -> float:
        return ticks.states([name], now=time.time())[name].last_run_at or 0.0

    beat = Beat(scheduled)
    try:
        with Sedano("scheduled", broker=broker_url, set_as_current=False) as app:
            wait_until(lambda: last_run("tick"), what="a run")
            made = time.time()
            app.set_periodic_task("made", "scheduled.tick", 0.1)
            wait_until(lambda: last_run("made"), what="a run of it")
            assert last_run("made") - made < HEEDED

            assert app.remove_periodic_task("made")
            removed = time.time()
            wait_until(lambda: last_run("tick") > removed + HEEDED, what="runs of the other entry")
        runs = beat.text().count("due task made")
        until = last_run("tick")
        wait_until(lambda: last_run("tick") > until, what="one more")
        assert beat.text().count("due task made") == runs
    finally:
        beat.kill()


def test_workers_with_schedulers_beside_them_share_the_schedule(
    scheduled: Path, broker: Broker, tmp_path: Path
) -> None:
    workers = [Worker(scheduled, "-B", "-c", "1", app="scheduled") for _ in range(2)]
    try:
        for worker in workers:
            worker.wait_until_ready()
        journal = tmp_path / "journal"
        wait_until(lambda: journal.exists() and journal.read_text().count("tick") >= 2, what="two runs")
        first, second = workers

        first.kill()
        before = journal.read_text().count("tick")
        wait_until(lambda: journal.read_text().count("tick") >= before + 2, what="two more runs")

        assert second.stop() == 0
        ticks = broker.ticks
        assert ticks is not None
        runs = ticks.states(["tick"], now=time.time())["tick"].runs
        waiting = len(broker.admin.peek("celery"))
        assert abs(journal.read_text().count("tick") + waiting - runs) <= 1
    finally:
        for worker in workers:
            worker.kill()


@pytest.mark.parametrize("broker_url", ["sqlite"], indirect=True)
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
