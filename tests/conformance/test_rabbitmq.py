"""The RabbitMQ broker keeps its port's promises, against a real server."""

import time
from collections.abc import Callable

import pytest

from sedano.brokers.broker import Broker
from sedano.brokers.lease import Lease
from sedano.clock import Clock
from sedano.testing.broker_conformance import BrokerConformance
from sedano.testing.clock import ManualClock


class PassingTime(ManualClock):
    """The real time, which a test lets pass."""

    def timestamp(self) -> float:
        return time.time()

    def advance(self, by: float) -> None:
        time.sleep(by)


class RabbitConformance(BrokerConformance):
    later = 2.0
    deaths = 3
    blur = 0.7

    @pytest.fixture
    def clock(self) -> ManualClock:
        return PassingTime()

    def die(self, lease: Lease, clock: ManualClock) -> None:
        held = len(lease._held)
        lease._link.cut()
        time.sleep(0.2)


class TestRabbitClassic(RabbitConformance):
    @pytest.fixture
    def open_broker(self, amqp_url: str) -> Callable[[Clock], Broker]:
        import sys
        sys.path.insert(0, "/tmp")
        from lease_broker import B
        return lambda clock: B(amqp_url)
