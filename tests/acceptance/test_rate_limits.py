"""Real workers start limited tasks as often as they may, and no more often; the others wait in the broker."""

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from celery import Celery

from tests.acceptance.workers import Journal, Worker, wait_until
from tests.servers.redis_server import RedisServer

pytestmark = pytest.mark.acceptance

StartWorker = Callable[..., Worker]

#: Of the limited tasks, in a second.
RATE = 20.0


@pytest.fixture(params=["sqlite", "redis"])
def broker_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/queue.db"
    server: RedisServer = request.getfixturevalue("server")
    return server.url


@pytest.fixture
def limited(directory: Path, project: ModuleType) -> Iterator[ModuleType]:
    """The tasks, imported here as a web process would."""
    shutil.copy(Path(__file__).with_name("limited.py"), directory)
    import limited

    yield limited
    sys.modules.pop("limited", None)


def starts(journal: Journal) -> list[float]:
    return sorted(float(at) for word, _, _, at in journal.lines() if word == "start")


def assert_rate(journal: Journal, least: float, most: float, *, seconds: float) -> None:
    """So many start in a second, measured for so long from the first one: ``most`` on average, and ``least``
    in the best second, for the machine may be busy with something else in the others."""
    wait_until(lambda: starts(journal), what="the first one has started")
    wait_until(lambda: time.time() > starts(journal)[0] + seconds, what="the time is up")
    all_starts = starts(journal)
    found = [at for at in all_starts if at <= all_starts[0] + seconds]
    assert (len(found) - 1) / seconds <= most
    assert max(sum(first < at <= first + 1.0 for at in found) for first in found) >= least


def test_a_worker_starts_limited_tasks_at_their_rate(
    limited: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    limited.mail.publish_many([(n,) for n in range(200)])

    start_worker("-c", "2", "--include", "limited")

    assert_rate(journal, 0.8 * RATE, RATE + 1, seconds=3.0)
    assert set(journal.counts("start").values()) == {1}


def test_the_solo_pool_keeps_limits_too(
    limited: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    limited.mail_once.publish_many([(n,) for n in range(100)])

    start_worker("-P", "solo", "--include", "limited", PROJECT_WITHOUT_LIMITS="1")

    assert_rate(journal, 0.8 * RATE, RATE + 1, seconds=2.0)


@pytest.mark.parametrize(("pool", "task"), [("threads", "mail"), ("asyncio", "telegram"), ("threads", "fax")])
def test_pools_of_many_slots_keep_limits_too(
    limited: ModuleType, journal: Journal, start_worker: StartWorker, pool: str, task: str
) -> None:
    getattr(limited, task).publish_many([(n,) for n in range(200)])

    start_worker("-P", pool, "-c", "50", "--include", "limited", PROJECT_WITHOUT_LIMITS="1")

    assert_rate(journal, 0.8 * RATE, RATE + 1, seconds=3.0)
    assert set(journal.counts("start").values()) == {1}


def test_two_workers_share_a_limit_of_all_workers(
    limited: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    for worker in [start_worker("-c", "1", "--include", "limited") for _ in range(2)]:
        worker.wait_until_ready()

    limited.fax.publish_many([(n,) for n in range(200)])

    assert_rate(journal, 0.8 * RATE, RATE + 1, seconds=3.0)


def test_two_workers_keep_a_limit_of_each_worker_twice(
    limited: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    for worker in [start_worker("-c", "1", "--include", "limited") for _ in range(2)]:
        worker.wait_until_ready()

    limited.mail.publish_many([(n,) for n in range(400)])

    assert_rate(journal, 1.3 * RATE, 2 * RATE + 1, seconds=6.0)
    assert len(journal.pids("start")) == 2


def test_ten_thousand_limited_messages_hold_nothing_up_behind_them(
    project: ModuleType, limited: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    limited.hardly_ever.publish_many([(n,) for n in range(10_000)])
    worker = start_worker("-c", "1", "--include", "limited")
    wait_until(lambda: starts(journal), what="the first limited one has started")
    published = time.time()

    project.work.delay("behind")
    wait_until(lambda: journal.counts("start")["behind"], what="the one behind has started")

    assert journal.times("start", "behind")[0] - published < 20
    wait_until(lambda: project.app.broker.admin.depth("celery").scheduled == 9_999, what="they wait")
    # They cost nothing while they wait.
    before = sum(sum(process.cpu_times()[:2]) for process in worker.processes())
    until = time.monotonic() + 1.0
    wait_until(lambda: time.monotonic() > until)
    assert sum(sum(process.cpu_times()[:2]) for process in worker.processes()) - before < 0.4
    assert len(starts(journal)) == 2


def test_a_killed_worker_takes_no_waiting_task_with_it(
    limited: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    limited.mail.publish_many([(n,) for n in range(60)])
    killed = start_worker("-c", "2", "--include", "limited", "worker_lease=1")
    wait_until(lambda: len(starts(journal)) >= 10, what="some have started")

    killed.kill()
    start_worker("-c", "2", "--include", "limited", "worker_lease=1")

    wait_until(lambda: len(journal.counts("start")) == 60, what="all have started")
    # What was running when it was killed runs again: at most one in each slot.
    assert journal.counts("start").total() <= 62


def test_a_killed_worker_leaves_a_limit_of_all_workers_to_the_others(
    limited: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    limited.fax.publish_many([(n,) for n in range(80)])
    killed, _ = [start_worker("-c", "1", "--include", "limited", "worker_lease=1") for _ in range(2)]
    wait_until(lambda: len(journal.pids("start")) == 2 and len(starts(journal)) >= 20, what="both start some")

    killed.kill()

    wait_until(lambda: len(journal.counts("start")) == 80, what="all have started")
    found = starts(journal)
    assert len(found) <= 81  # what was running when it was killed runs again
    assert max(sum(first <= at <= first + 2 for at in found) for first in found) <= 2 * RATE + 4


@pytest.mark.parametrize("broker_url", ["redis"], indirect=True)
def test_messages_of_celerys_clients_wait_for_their_turns(
    limited: ModuleType, journal: Journal, start_worker: StartWorker, broker_url: str
) -> None:
    client = Celery("client", broker=broker_url, set_as_current=False)
    for n in range(100):
        client.send_task("limited.mail", (n,))
    client.close()

    start_worker("-c", "2", "--include", "limited")

    assert_rate(journal, 0.8 * RATE, RATE + 1, seconds=3.0)


def test_a_worker_without_rate_limits_starts_everything_at_once(
    limited: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    limited.mail.publish_many([(n,) for n in range(200)])

    start_worker("-c", "2", "--include", "limited", "worker_disable_rate_limits=1")

    wait_until(lambda: len(starts(journal)) == 200, what="all have started")
    found = starts(journal)
    assert found[-1] - found[0] < 5.0
