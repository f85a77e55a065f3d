"""The broker and the result store on Django's connection keep their ports' promises."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from sedano.brokers.broker import Broker
from sedano.clock import Clock
from sedano.contrib.django.broker import DjangoBroker
from sedano.contrib.django.result_store import DjangoResultStore
from sedano.results.store import ResultStore
from sedano.testing.broker_conformance import BrokerConformance
from sedano.testing.result_store_conformance import ResultStoreConformance

URL = "django://default"

# The suites publish from threads, and nobody closes Django's connection of a thread that has ended: in a site
# the end of a request does, in a worker the end of an attempt.
pytestmark = pytest.mark.filterwarnings("ignore:Exception ignored in. <sqlite3.Connection")


def open_broker_at(clock: Clock) -> Broker:
    return DjangoBroker.from_url(
        URL, options={}, publish_timeout=timedelta(seconds=2), clock=clock, base_dir=Path.cwd()
    )


def open_results_at(clock: Clock) -> ResultStore:
    return DjangoResultStore.from_url(
        URL, options={}, timeout=timedelta(seconds=2), clock=clock, base_dir=Path.cwd()
    )


@pytest.mark.usefixtures("clean_tables")
class TestDjangoBroker(BrokerConformance):
    @pytest.fixture
    def open_broker(self) -> Callable[[Clock], Broker]:
        return open_broker_at

    @pytest.fixture
    def open_results(self) -> Callable[[Clock], ResultStore]:
        return open_results_at


@pytest.mark.usefixtures("clean_tables")
class TestDjangoResultStore(ResultStoreConformance):
    @pytest.fixture
    def open_results(self) -> Callable[[Clock], ResultStore]:
        return open_results_at
