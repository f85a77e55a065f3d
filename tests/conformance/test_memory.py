"""The memory broker and result store keep their ports' promises."""

from collections.abc import Callable

import pytest

from sedano.brokers.broker import Broker
from sedano.brokers.memory.broker import MemoryBroker
from sedano.clock import Clock
from sedano.results.memory_store import MemoryResultStore
from sedano.results.store import ResultStore
from sedano.testing.broker_conformance import BrokerConformance
from sedano.testing.result_store_conformance import ResultStoreConformance


class TestMemoryBroker(BrokerConformance):
    @pytest.fixture
    def open_broker(self) -> Callable[[Clock], Broker]:
        return lambda clock: MemoryBroker(clock=clock)

    @pytest.fixture
    def open_results(self) -> Callable[[Clock], ResultStore]:
        return lambda clock: MemoryResultStore(clock=clock)


class TestMemoryResultStore(ResultStoreConformance):
    @pytest.fixture
    def open_results(self) -> Callable[[Clock], ResultStore]:
        return lambda clock: MemoryResultStore(clock=clock)
