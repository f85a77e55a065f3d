"""Every broker that schedulers can claim ticks from keeps the promises of that port."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sedano.brokers.broker import Broker
from sedano.brokers.memory.broker import MemoryBroker
from sedano.brokers.opening import open_broker
from sedano.testing.tick_conformance import TickStoreConformance
from tests.servers.redis_server import RedisServer


class TestMemoryTicks(TickStoreConformance):
    @pytest.fixture
    def broker(self) -> Broker:
        return MemoryBroker()

    @pytest.fixture
    def other(self, broker: Broker) -> Broker:
        return broker


class _Opened(TickStoreConformance):
    @pytest.fixture
    def broker(self, url: str) -> Iterator[Broker]:
        broker = open_broker(url)
        yield broker
        broker.close()

    @pytest.fixture
    def other(self, url: str) -> Iterator[Broker]:
        broker = open_broker(url)
        yield broker
        broker.close()


class TestSqliteTicks(_Opened):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path / 'queue.db'}"


class TestRedisTicks(_Opened):
    @pytest.fixture
    def url(self, server: RedisServer) -> str:
        return server.url


class TestRedisClusterTicks(_Opened):
    @pytest.fixture
    def url(self, nodes: list[RedisServer]) -> str:
        return f"redis+cluster://127.0.0.1:{nodes[0].port}"


def test_only_where_one_step_reaches_messages_a_claim_publishes(
    server: RedisServer, nodes: list[RedisServer]
) -> None:
    opened = [open_broker(server.url), open_broker(f"redis+cluster://127.0.0.1:{nodes[0].port}")]

    assert [broker.ticks.publishes for broker in opened if broker.ticks is not None] == [True, False]

    for broker in opened:
        broker.close()
