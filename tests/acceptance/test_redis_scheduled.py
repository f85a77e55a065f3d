"""What waits for its time waits in Redis, and not in a worker: no worker's death costs or delays it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median
from types import ModuleType

import pytest

from tests.acceptance.workers import Journal, Worker, wait_until
from tests.servers.redis_server import RedisServer

pytestmark = pytest.mark.acceptance

StartWorker = Callable[..., Worker]

#: From publishing to the time of the first task; enough to kill a worker and start another. Seconds.
AHEAD = 5.0

RETRIED = """

@app.task(bind=True, max_retries=1)
def again_later(self, key, seconds):
    note("attempt", key)
    if not self.request.retries:
        raise self.retry(countdown=seconds)
    return key
"""


@pytest.fixture
def broker_url(server: RedisServer) -> str:
    return server.url


def test_scheduled_tasks_and_retries_outlive_the_workers_that_have_seen_them(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    with (journal.path.parent / "project.py").open("a") as code:
        code.write(RETRIED)
    killed = start_worker("-c", "2", "worker_lease=1").wait_until_ready()
    first = time.time() + AHEAD
    due = {f"eta-{number}": first + number / 20 for number in range(20)}
    results = [
        project.blink.apply_async((key,), eta=datetime.fromtimestamp(moment, UTC))
        for key, moment in due.items()
    ]
    results += [project.app.send_task("project.again_later", (f"retry-{n}", AHEAD)) for n in range(5)]
    wait_until(lambda: journal.counts("attempt").total() == 5, what="the first attempts were made")
    admin = project.app.broker.admin
    wait_until(lambda: admin.depth("celery").scheduled == 25, what="all of them wait in the broker")

    killed.kill()
    start_worker("-c", "2", "worker_lease=1").wait_until_ready()

    assert all(result.get(timeout=30) for result in results)
    assert set(journal.counts("start").values()) == {1}
    assert set(journal.counts("attempt").values()) == {2}
    late = [journal.times("start", key)[0] - moment for key, moment in due.items()]
    assert min(late) > -0.005
    assert max(late) < 10
    assert median(late) < 0.5
