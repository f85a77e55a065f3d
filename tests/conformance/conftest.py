"""Clusters, and for every test against a Redis: no key is left behind without an end and without an owner."""

from collections.abc import Iterator

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.exceptions import RedisError
from redis.retry import Retry

from tests.servers.key_owners import leaks
from tests.servers.redis_groups import private_cluster
from tests.servers.redis_server import RedisServer


@pytest.fixture(autouse=True)
def no_key_is_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    if "server" not in request.fixturenames:
        yield
        return
    server = request.getfixturevalue("server")
    assert isinstance(server, RedisServer)
    yield
    try:
        with Redis(port=server.port, socket_timeout=2, retry=Retry(NoBackoff(), 0)) as client:
            left = leaks(client, keeps_results=True)
    except RedisError:  # the test was about its end
        return
    assert left == []


@pytest.fixture(scope="session")
def started_nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RedisServer]]:
    """A cluster of three, which all tests share."""
    with private_cluster(tmp_path_factory.mktemp("cluster")) as nodes:
        yield nodes


@pytest.fixture
def nodes(started_nodes: list[RedisServer]) -> Iterator[list[RedisServer]]:
    """The same, with nothing in it. A test leaves no key in it that has neither an end nor an owner."""
    for node in started_nodes:
        node.client.flushall()
        node.client.script_flush()
    yield started_nodes
    with RedisCluster(host="127.0.0.1", port=started_nodes[0].port) as client:
        assert leaks(client) == []
