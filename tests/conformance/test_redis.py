"""The Redis broker keeps its port's promises, against a real server."""

from collections.abc import Callable

import pytest

from sedano.brokers.broker import Broker
from sedano.brokers.redis.broker import RedisBroker
from sedano.clock import Clock
from sedano.redis.redis_url import RedisLocation
from sedano.results.redis.store import RedisResultStore
from sedano.results.store import ResultStore
from sedano.testing.broker_conformance import BrokerConformance
from tests.servers.redis_server import RedisServer


@pytest.fixture
def location(server: RedisServer) -> RedisLocation:
    return RedisLocation.from_url(server.url)


class TestRedisBroker(BrokerConformance):
    @pytest.fixture
    def open_broker(self, location: RedisLocation) -> Callable[[Clock], Broker]:
        return lambda clock: RedisBroker(location, clock=clock)

    @pytest.fixture
    def open_results(self, location: RedisLocation) -> Callable[[Clock], ResultStore]:
        return lambda clock: RedisResultStore(location, clock=clock)
