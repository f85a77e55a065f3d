"""For every test against a Redis: it leaves no key behind that has neither an end nor an owner."""

from collections.abc import Iterator

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from tests.servers.key_owners import leaks
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
