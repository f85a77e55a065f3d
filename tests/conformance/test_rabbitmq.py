"""The RabbitMQ broker keeps its port's promises, against a real server."""

import time
from collections.abc import Callable, Iterator

import pytest

from sedano.amqp.amqp_url import AmqpLocation
from sedano.brokers.amqp.broker import AmqpBroker
from sedano.brokers.amqp.lease import AmqpLease
from sedano.brokers.lease import Lease
from sedano.clock import Clock
from sedano.queues.rules import QueueRules
from sedano.settings.wiring import Wiring
from sedano.testing.broker_conformance import BrokerConformance
from sedano.testing.clock import ManualClock
from tests.acceptance.workers import wait_until
from tests.servers.amqp_reader import AmqpReader
from tests.servers.rabbitmq_server import PATIENT, RabbitServer


@pytest.fixture(scope="module")
def shared_vhost(rabbitmq: RabbitServer) -> Iterator[str]:
    """Where the queues are that delays need: it takes longer to make them than most tests take."""
    url = rabbitmq.new_vhost()
    yield url
    rabbitmq.give_back(url)


class PassingTime(ManualClock):
    """The server's own, which does not stand still: it is waited for."""

    def timestamp(self) -> float:
        return time.time()

    def advance(self, by: object) -> None:
        assert isinstance(by, int | float)
        moment = time.time() + by
        wait_until(lambda: time.time() >= moment, timeout=by + 60, what="the time to pass")


class RabbitConformance(BrokerConformance):
    """With queues of one kind."""

    later = 1.2
    unit = 0.5
    deaths = 3
    blur = 0.9

    wiring = Wiring()
    server: AmqpReader

    @pytest.fixture
    def amqp_url(self, rabbitmq: RabbitServer, shared_vhost: str) -> Iterator[str]:
        yield shared_vhost
        rabbitmq.empty(shared_vhost)

    @pytest.fixture
    def clock(self) -> ManualClock:
        return PassingTime()

    @pytest.fixture
    def reader(self, amqp_url: str) -> Iterator[AmqpReader]:
        with AmqpReader(amqp_url) as reader:
            yield reader

    @pytest.fixture
    def open_broker(self, amqp_url: str, reader: AmqpReader) -> Iterator[Callable[[Clock], AmqpBroker]]:
        location = AmqpLocation.from_url(amqp_url)
        self.server = reader
        opened: list[AmqpBroker] = []

        def open_one(clock: Clock) -> AmqpBroker:
            broker = AmqpBroker(location, wiring=self.wiring, clock=clock, grace=0.0, publish_timeout=PATIENT)
            opened.append(broker)
            # Tests say when something is due, and do not wait for all that delays need.
            broker._sending.topology.have(reader.link, ["celery"])
            broker._sending.delays.key_of_queue(reader.link, "celery")
            broker.admin.nodes()
            return broker

        yield open_one
        for broker in opened:
            broker.close()

    def die(self, lease: Lease, clock: ManualClock) -> None:
        """Its connection is cut; the server notices at once."""
        assert isinstance(lease, AmqpLease)
        expected = self.server.depth("celery") + len(lease.holds(range(1000)))
        lease.hang_up()
        wait_until(lambda: self.server.depth("celery") >= expected, what="the server has them back")


class TestClassicQueues(RabbitConformance):
    wiring = Wiring(delayed_queue_type="classic", queues=QueueRules(max_priority=9))


class TestQuorumQueues(RabbitConformance):
    wiring = Wiring(
        delayed_queue_type="classic",
        queues=QueueRules(default_queue_type="quorum", missing_queue_type="quorum"),
    )
