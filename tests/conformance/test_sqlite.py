"""The SQLite broker and result store keep their ports' promises."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sedano.brokers.broker import Broker
from sedano.brokers.sqlite.broker import SqliteBroker
from sedano.clock import Clock
from sedano.results.sqlite.store import SqliteResultStore
from sedano.results.store import ResultStore
from sedano.sql.sqlite_location import SqliteLocation
from sedano.testing.broker_conformance import BrokerConformance
from sedano.testing.result_store_conformance import ResultStoreConformance


@pytest.fixture(params=["normal", "full"])
def location(tmp_path: Path, request: pytest.FixtureRequest) -> SqliteLocation:
    return SqliteLocation(path=tmp_path / "queue.db", synchronous=request.param)


class TestSqliteBroker(BrokerConformance):
    @pytest.fixture
    def open_broker(self, location: SqliteLocation) -> Callable[[Clock], Broker]:
        return lambda clock: SqliteBroker(location, clock=clock)

    @pytest.fixture
    def open_results(self, location: SqliteLocation) -> Callable[[Clock], ResultStore]:
        return lambda clock: SqliteResultStore(location, clock=clock)


class TestSqliteResultStore(ResultStoreConformance):
    @pytest.fixture
    def open_results(self, location: SqliteLocation) -> Callable[[Clock], ResultStore]:
        return lambda clock: SqliteResultStore(location, clock=clock)
