"""A worker goes on when Sentinel has made the replica the master."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from sedano.exceptions import OperationalError
from tests.acceptance.workers import Journal, Worker, wait_until
from tests.servers.redis_groups import (
    private_redis,
    private_replica,
    private_sentinels,
    wait_until_promoted,
    wait_until_replicated,
)
from tests.servers.redis_server import RedisServer

pytestmark = pytest.mark.acceptance

StartWorker = Callable[..., Worker]

#: Within this a worker works again: 5 seconds, and as much for a busy machine.
RESUMED = 10.0


@dataclass(frozen=True)
class Pair:
    """A master with its replica, watched by a sentinel."""

    master: RedisServer
    replica: RedisServer
    url: str


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with (
        private_redis(tmp_path / "master") as master,
        private_replica(tmp_path / "replica", master) as replica,
        private_sentinels(tmp_path, master) as url,
    ):
        yield Pair(master, replica, url)


@pytest.fixture
def broker_url(pair: Pair) -> str:
    return f"{pair.url}?master_name=shop"


def test_a_worker_goes_on_at_the_replica_when_the_master_has_died(
    project: ModuleType, journal: Journal, start_worker: StartWorker, pair: Pair
) -> None:
    worker = start_worker("-c", "2").wait_until_ready()
    slow = project.work.delay("slow", 1.0)
    wait_until(lambda: journal.counts("start"), what="a task runs")
    wait_until_replicated(pair.master, pair.replica)

    pair.master.kill()
    with pytest.raises(OperationalError):
        project.work.delay("refused")
    wait_until_promoted(pair.replica)
    began = time.monotonic()
    result = publish_patiently(project)

    assert result.get(timeout=60) == "after"
    assert time.monotonic() - began < RESUMED
    assert slow.get(timeout=60) == "slow"
    assert journal.counts("start") == {"slow": 1, "after": 1}
    assert worker.stop() == 0


def publish_patiently(project: ModuleType):
    """As a caller does it that tries again."""
    deadline = time.monotonic() + RESUMED
    while True:
        try:
            return project.work.delay("after")
        except OperationalError:
            assert time.monotonic() < deadline
