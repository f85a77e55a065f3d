"""Fixtures of the tests with real workers of both libraries.

Tests that take ``cluster``, or something that is made of it, are run on every broker. What is asked of one
broker only is in a module of its own, which takes that broker's cluster for its own.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final
from uuid import uuid4

import pytest
from redis import Redis

from tests.interop.mixed_cluster import LIBRARIES, Library, MixedCluster, WorkerProcess
from tests.interop.way import CELERY_TO_SEDANO, SEDANO_TO_CELERY, Way
from tests.servers.key_owners import leaks
from tests.servers.queue_owners import unowned
from tests.servers.rabbitmq_server import RabbitServer
from tests.servers.redis_server import RedisServer

collect_ignore = ["celery_shop.py", "sedano_shop.py"]

#: Both ways; a test that holds for one of them only says so by ``parametrize("way", ..., indirect=True)``.
WAYS: Final = (CELERY_TO_SEDANO, SEDANO_TO_CELERY)

#: Opens a cluster with ready workers. Called with the arguments of ``MixedCluster``, but for the folder, and
#: with what the queues that they consume are named.
ClusterOpener = Callable[..., AbstractContextManager[MixedCluster]]


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
def open_cluster(tmp_path_factory: pytest.TempPathFactory) -> ClusterOpener:
    """Opens clusters: a worker of each library, with a queue of its own (``to-celery``, ``to-sedano``)."""

    @contextmanager
    def open_one(url: str, *, consumed: Sequence[str] = ("to-{}",), **options: Any) -> Iterator[MixedCluster]:
        cluster = MixedCluster(url, tmp_path_factory.mktemp("cluster"), **options)
        try:
            workers = [
                cluster.start(library, "-c", "2", "-Q", ",".join(name.format(library) for name in consumed))
                for library in LIBRARIES
            ]
            for worker in workers:
                worker.wait_until_ready()
            yield cluster
        finally:
            cluster.close()

    return open_one


@pytest.fixture(scope="package")
def redis_cluster(open_cluster: ClusterOpener, redis_url: str) -> Iterator[MixedCluster]:
    """Messages and results in Redis."""
    with open_cluster(redis_url) as cluster:
        yield cluster


@pytest.fixture(scope="package")
def rabbitmq_cluster(
    open_cluster: ClusterOpener, rabbitmq: RabbitServer, redis_url: str
) -> Iterator[MixedCluster]:
    """Messages in RabbitMQ, results in Redis."""
    url = rabbitmq.new_vhost()
    with open_cluster(url, backend=redis_url) as cluster:
        yield cluster
    assert unowned(rabbitmq, url, r"to-(celery|sedano)", r"(queue|odd)-[0-9a-f]{32}") == []
    rabbitmq.give_back(url)


@pytest.fixture(params=["redis", "rabbitmq"])
def cluster(request: pytest.FixtureRequest) -> MixedCluster:
    """A cluster on each broker."""
    found: MixedCluster = request.getfixturevalue(f"{request.param}_cluster")
    return found


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
