"""RabbitMQ keeps a message until it is due: Celery's queues, whatever kind of queue the message goes to."""

import contextlib
import logging
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from sedano.amqp.amqp_url import AmqpLocation
from sedano.brokers.amqp.broker import AmqpBroker
from sedano.brokers.amqp.message import stamp_of
from sedano.brokers.publication import Publication
from sedano.queues.exchange import Exchange
from sedano.queues.queue import Queue
from sedano.queues.reading import read_queues
from sedano.queues.rules import QueueRules
from sedano.settings.wiring import Wiring
from sedano.testing.clock import ManualClock
from sedano.testing.messages import publication
from tests.servers.amqp_reader import AmqpReader
from tests.servers.rabbitmq_server import PATIENT, RabbitServer

OpenBroker = Callable[..., AmqpBroker]

KINDS = ["classic", "quorum"]


@pytest.fixture
def reader(amqp_url: str) -> Iterator[AmqpReader]:
    with AmqpReader(amqp_url) as reader:
        yield reader


@pytest.fixture
def open_broker(amqp_url: str) -> Iterator[OpenBroker]:
    with contextlib.ExitStack() as opened:

        def open_one(
            delayed: str = "classic", clock: ManualClock | None = None, **rules: object
        ) -> AmqpBroker:
            wiring = Wiring(delayed_queue_type=delayed, queues=QueueRules(**rules))  # type: ignore[arg-type]
            broker = AmqpBroker(
                AmqpLocation.from_url(amqp_url), wiring=wiring, clock=clock, publish_timeout=PATIENT
            )
            opened.callback(broker.close)
            return broker

        yield open_one


def to_exchange(task_id: str, exchange: str, routing_key: str, due: float) -> Publication:
    changes = {"queue": "", "exchange": exchange, "routing_key": routing_key}
    return msgspec.structs.replace(publication(task_id, due=due), **changes)


@pytest.mark.parametrize("delayed", KINDS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_message_comes_when_it_is_due(
    kind: str, delayed: str, open_broker: OpenBroker, reader: AmqpReader
) -> None:
    broker = open_broker(delayed, default_queue_type=kind)
    broker.publish([publication("now"), publication("far", due=time.time() + 3600)])
    due = time.time() + 2.05

    broker.publish([publication("later", due=due), publication("sooner", due=due - 1)])
    found = [(message, time.time()) for _ in range(3) for message in reader.take("celery")]

    ids = [message.properties["correlation_id"] for message, _ in found]
    assert ids == ["now", "sooner", "later"]
    came = found[-1][1]
    assert due - 1 <= came <= due + 1
    stamp = stamp_of(found[-1][0])
    assert stamp is not None
    assert stamp.since == pytest.approx(due)


@pytest.mark.parametrize("delayed", KINDS)
def test_a_year_ahead_is_exact_to_the_second(
    delayed: str, open_broker: OpenBroker, reader: AmqpReader
) -> None:
    clock = ManualClock()
    broker = open_broker(delayed, clock)
    due = (datetime.fromtimestamp(clock.timestamp(), UTC) + timedelta(days=365, seconds=7.9)).timestamp()

    broker.publish([publication("a", due=due)])

    # 2^24 is the highest digit of a year: so long it lies there, and then in the queues of the other digits.
    (message,) = reader.take("celery_delayed_24")
    digits, rest = (
        message.delivery_info["routing_key"].split(".")[:28],
        message.delivery_info["routing_key"][56:],
    )
    assert int("".join(digits), 2) == 365 * 24 * 3600 + 7
    assert rest == "celery.sedano-due"


def test_the_queues_wait_as_long_as_their_digit_says(
    rabbitmq: RabbitServer, amqp_url: str, open_broker: OpenBroker
) -> None:
    broker = open_broker()
    broker.publish([publication("a", due=time.time() + 60)])

    made = rabbitmq.queues(amqp_url)

    assert len([name for name in made if name.startswith("celery_delayed_")]) == 28
    for level in range(28):
        said = made[f"celery_delayed_{level}"]
        assert re.search(rf'{{<<"x-message-ttl">>,\w+,{2**level * 1000}}}', said)
        following = f"celery_delayed_{level - 1}" if level else "celery_delayed_delivery"
        assert f'{{<<"x-dead-letter-exchange">>,longstr,<<"{following}">>}}' in said


def test_less_than_a_second_is_left_to_the_lease(open_broker: OpenBroker, reader: AmqpReader) -> None:
    broker = open_broker()
    due = time.time() + 0.9

    broker.publish([publication("a", due=due)])

    (message,) = reader.take("celery")
    stamp = stamp_of(message)
    assert stamp is not None
    assert stamp.since == due


@pytest.mark.parametrize(
    ("queue", "others"),
    [
        ("mails", ["high.mails"]),
        ("high.mails", ["mails"]),
        ("#", ["a", "b.#"]),
        ("a.*", ["a.b"]),
        ("x" * 240, ["x" * 239 + "y"]),
    ],
)
def test_a_delayed_message_comes_to_its_queue_alone(
    queue: str, others: list[str], open_broker: OpenBroker, reader: AmqpReader
) -> None:
    broker = open_broker()
    for name in others:
        broker.publish([publication("other", queue=name, due=time.time() + 3600)])

    broker.publish([publication("a", queue=queue, due=time.time() + 1.1)])

    assert reader.ids(queue, 1) == ["a"]
    assert [reader.depth(name) for name in others] == [0] * len(others)


@pytest.mark.parametrize("kind", ["direct", "topic", "fanout"])
def test_a_delayed_message_to_an_exchange_arrives_with_its_own_routing_key(
    kind: str, open_broker: OpenBroker, reader: AmqpReader
) -> None:
    pattern = "media.*" if kind == "topic" else "media.image"
    queues = read_queues([Queue("images", Exchange("media", kind), routing_key=pattern)])
    broker = open_broker(queues=queues)

    broker.publish([to_exchange("a", "media", "media.image", time.time() + 1.1)])

    (message,) = reader.take("images")
    assert message.properties["correlation_id"] == "a"
    assert message.delivery_info["routing_key"] == "media.image"
    assert message.delivery_info["exchange"] == "media"


@pytest.mark.parametrize(
    ("first", "second"), [(("first", "key"), ("second", "key")), (("a.b", "c"), ("a", "b.c"))]
)
def test_two_exchanges_are_told_apart(
    first: tuple[str, str], second: tuple[str, str], open_broker: OpenBroker, reader: AmqpReader
) -> None:
    queues = read_queues([
        Queue("one", Exchange(first[0], "topic"), routing_key=first[1]),
        Queue("other", Exchange(second[0], "topic"), routing_key=second[1]),
    ])  # fmt: skip
    broker = open_broker(queues=queues)
    broker.publish([to_exchange("far", *second, time.time() + 3600)])

    broker.publish([to_exchange("a", *first, time.time() + 1.1)])

    assert reader.ids("one", 1) == ["a"]
    assert reader.depth("other") == 0


def test_queues_that_somebody_else_made_otherwise_are_used(
    open_broker: OpenBroker, reader: AmqpReader, caplog: pytest.LogCaptureFixture
) -> None:
    other = open_broker("classic")
    other.publish([publication("a", queue="theirs", due=time.time() + 3600)])
    broker = open_broker("quorum")

    with caplog.at_level(logging.WARNING):
        broker.publish([publication("now")])
        broker.publish([publication("later", due=time.time() + 1.1)])

    assert reader.ids("celery", 2) == ["now", "later"]
    assert "celery_delayed_0" in caplog.text


def test_a_server_that_was_emptied_gets_all_that_again(open_broker: OpenBroker, reader: AmqpReader) -> None:
    broker = open_broker()
    broker.publish([publication("a", due=time.time() + 3600)])
    for level in range(28):
        reader.channel.queue_delete(f"celery_delayed_{level}")
        reader.channel.exchange_delete(f"celery_delayed_{level}")
    reader.channel.exchange_delete("celery_delayed_delivery")

    broker.publish([publication("b", due=time.time() + 1.1)])

    assert reader.ids("celery", 1) == ["b"]
