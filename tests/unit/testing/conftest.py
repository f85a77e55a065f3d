"""Applications whose tasks tests run, and what keeps the suite of the fixtures out of this process."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sedano import Sedano
from sedano.testing import ManualClock
from tests.servers.redis_server import RedisServer

#: The suite loads plugins of pytest's, which have the say in the whole process: see ``test_fixtures.py``.
collect_ignore = [] if os.environ.get("TESTING_FIXTURES") else ["suite"]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(Path(tmp_path_factory.mktemp("redis")))
    yield server
    server.stop()


@pytest.fixture(params=["memory", "sqlite", "redis", "results elsewhere"])
def app(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Iterator[Sedano]:
    """An application under a clock that stands still: in memory, a file, a server, and two places."""
    file, backend = f"sqlite:///{tmp_path / 'queue.db'}", None
    match request.param:
        case "redis":
            server = request.getfixturevalue("redis_server")
            server.client.flushall()
            broker = backend = server.url
        case "sqlite":
            broker = file
        case "memory":
            broker = "memory://"
        case _:
            broker, backend = "memory://", file
    with Sedano("tested", broker=broker, backend=backend, set_as_current=False, clock=clock) as app:
        yield app


@pytest.fixture
def memory_app(clock: ManualClock) -> Iterator[Sedano]:
    with Sedano("tested", broker="memory://", set_as_current=False, clock=clock) as app:
        yield app
