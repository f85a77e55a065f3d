"""Fixtures of the tests with real workers of both libraries."""

from collections.abc import Callable, Iterator
from typing import Final
from uuid import uuid4

import pytest
from redis import Redis

from tests.interop.mixed_cluster import LIBRARIES, Library, MixedCluster, WorkerProcess
from tests.interop.way import CELERY_TO_SEDANO, SEDANO_TO_CELERY, Way
from tests.servers.key_owners import leaks
from tests.servers.redis_server import RedisServer

collect_ignore = ["celery_shop.py", "sedano_shop.py"]

#: Both ways; a test that holds for one of them only says so by ``parametrize("way", ..., indirect=True)``.
WAYS: Final = (CELERY_TO_SEDANO, SEDANO_TO_CELERY)


@pytest.fixture(scope="package")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis server of our own."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server.url
    server.stop()


@pytest.fixture(autouse=True)
def no_key_is_left_behind(redis_url: str) -> Iterator[None]:
    """Neither library leaves a key that has neither an end nor an owner."""
    yield
    with Redis.from_url(redis_url) as client:
        assert leaks(client) == []


@pytest.fixture(scope="package")
def cluster(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MixedCluster]:
    """A worker of each library, each with a queue of its own (``to-celery``, ``to-sedano``)."""
    cluster = MixedCluster(redis_url, tmp_path_factory.mktemp("cluster"))
    try:
        workers = [cluster.start(library, "-c", "2", "-Q", f"to-{library}") for library in LIBRARIES]
        for worker in workers:
            worker.wait_until_ready()
        yield cluster
    finally:
        cluster.close()


@pytest.fixture(params=WAYS, ids=" to ".join)
def way(request: pytest.FixtureRequest, cluster: MixedCluster) -> Way:
    """Both ways: Celery's client to our worker, our client to Celery's worker."""
    client, worker = request.param
    return Way(cluster, client, worker)


@pytest.fixture
def start(cluster: MixedCluster) -> Iterator[Callable[..., WorkerProcess]]:
    """Starts workers that this test alone needs."""
    workers: list[WorkerProcess] = []

    def start_one(library: Library, *options: str) -> WorkerProcess:
        workers.append(cluster.start(library, *options))
        return workers[-1]

    yield start_one
    for worker in workers:
        worker.kill()


@pytest.fixture
def queue() -> str:
    """A queue that nobody consumes yet."""
    return f"queue-{uuid4().hex}"


@pytest.fixture
def key() -> str:
    """What a task is known by in the journal."""
    return uuid4().hex
