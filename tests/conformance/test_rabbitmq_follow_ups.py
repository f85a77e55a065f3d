"""What follows from a task is published once, and what RabbitMQ will not take holds up nobody."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from sedano.amqp.amqp_url import AmqpLocation
from sedano.brokers.amqp.broker import AmqpBroker
from sedano.brokers.amqp.lease import AmqpLease
from sedano.brokers.publication import Publication
from sedano.brokers.settlement import Bury, Finish
from sedano.errors import BrokerUnavailable
from sedano.message.envelope import Envelope
from sedano.queues.queue import Queue
from sedano.queues.reading import read_queues
from sedano.queues.rules import QueueRules
from sedano.settings.wiring import Wiring
from sedano.testing.broker_cases.fixtures import LEASE, drain
from sedano.testing.messages import publication
from tests.servers.amqp_reader import AmqpReader
from tests.servers.rabbitmq_server import PATIENT


@pytest.fixture
def reader(amqp_url: str) -> Iterator[AmqpReader]:
    with AmqpReader(amqp_url) as reader:
        yield reader


@pytest.fixture
def broker(amqp_url: str) -> Iterator[AmqpBroker]:
    rules = QueueRules(queues=read_queues([Queue("celery"), Queue("small")]), create_missing=False)
    broker = AmqpBroker(AmqpLocation.from_url(amqp_url), wiring=Wiring(queues=rules), publish_timeout=PATIENT)
    yield broker
    broker.close()


@pytest.fixture
def lease(broker: AmqpBroker) -> AmqpLease:
    return broker.lease("w1@host", duration=LEASE)


def held(broker: AmqpBroker, lease: AmqpLease) -> int:
    """The tag of a message that the lease holds."""
    broker.publish([publication("first")])
    (delivery,) = lease.claim(["celery"], 1).deliveries
    return delivery.tag


def to_exchange(exchange: str, routing_key: str) -> Publication:
    changes: dict[str, Any] = {"queue": "", "exchange": exchange, "routing_key": routing_key}
    return msgspec.structs.replace(publication("astray", task="tests.astray"), **changes)


TOO_LARGE = Publication(
    "astray", "tests.astray", "celery", Envelope(headers=b'{"x": "%s"}' % (b"x" * 200_000), body=b"[]")
)


@pytest.mark.parametrize(
    ("astray", "reason"),
    [
        (to_exchange("nowhere", "key"), "nowhere"),
        (to_exchange("amq.topic", "nobody.listens"), "no queue for tests.astray"),
        (publication("astray", task="tests.astray", queue="unknown"), "unknown"),
        (TOO_LARGE, "headers"),
    ],
    ids=["no exchange", "no queue", "not described", "too large"],
)
def test_what_can_never_be_published_is_a_dead_letter_and_the_rest_is_published_once(
    astray: Publication, reason: str, broker: AmqpBroker, lease: AmqpLease, reader: AmqpReader
) -> None:
    tag = held(broker, lease)
    follow_ups = (publication("before"), astray, publication("after"))

    claimed = lease.claim([], 0, [Finish(tag, follow_ups=follow_ups)])

    assert claimed.lost == []
    assert lease.holds([tag]) == set()
    (letter,) = broker.admin.dead_letters()
    assert (letter.task_id, letter.task, letter.envelope.body) == (
        "astray",
        "tests.astray",
        astray.envelope.body,
    )
    assert reason in letter.reason
    assert drain(lease) == ["before", "after"]


def test_what_had_no_exchange_is_replayed_there_when_there_is_one(
    broker: AmqpBroker, lease: AmqpLease, reader: AmqpReader
) -> None:
    lease.claim([], 0, [Finish(held(broker, lease), follow_ups=(to_exchange("late", "the.key"),))])
    with reader.link.within():
        reader.channel.exchange_declare("late", "topic", durable=True, auto_delete=False)
        reader.channel.queue_declare("behind", durable=True, auto_delete=False)
        reader.channel.queue_bind("behind", "late", "the.*")
    (letter,) = broker.admin.dead_letters()

    assert broker.admin.replay([letter.key]) == 1

    (message,) = reader.take("behind")
    assert message.properties["correlation_id"] == "astray"
    assert message.delivery_info["routing_key"] == "the.key"


def test_a_settlement_that_is_repeated_publishes_only_what_was_not_published(
    broker: AmqpBroker, lease: AmqpLease, reader: AmqpReader
) -> None:
    full = {"x-max-length": 1, "x-overflow": "reject-publish"}
    with reader.link.within():
        reader.channel.queue_declare("small", durable=True, auto_delete=False, arguments=full)
    with pytest.raises(BrokerUnavailable):
        while True:
            broker.publish([publication("one", queue="small")])
    tag, other = held(broker, lease), held(broker, lease)
    follow_ups = (publication("next"), publication("two", queue="small"))
    batch = [Finish(tag, follow_ups=follow_ups), Bury(other, "broken")]

    for _ in range(3):
        with pytest.raises(BrokerUnavailable, match="full"):
            lease.claim([], 0, batch)
    assert lease.holds([tag, other]) == {tag, other}
    with reader.link.within():
        reader.channel.queue_purge("small")
    assert lease.claim([], 0, batch).lost == []

    assert reader.ids("small", 1) == ["two"]
    assert drain(lease) == ["next"]
    assert len(broker.admin.dead_letters()) == 1
