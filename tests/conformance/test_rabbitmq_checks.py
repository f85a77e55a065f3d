"""What ``sedano check`` says of a RabbitMQ: of its version, and of queues that are not what is said."""

from collections.abc import Iterator

import amqp
import pytest

from sedano.amqp.amqp_url import AmqpLocation
from sedano.amqp.link import AmqpLink
from sedano.brokers.admin import Remark
from sedano.brokers.amqp.broker import AmqpBroker
from sedano.brokers.amqp.server_checks import Found, judge, look_at
from sedano.queues.definition import QueueDefinition
from sedano.testing.messages import publication
from tests.servers.rabbitmq_server import RabbitServer

QUORUM = {"x-queue-type": "quorum"}


@pytest.fixture
def link(amqp_url: str) -> Iterator[AmqpLink]:
    link = AmqpLink(AmqpLocation.from_url(amqp_url), timeout=5)
    link.open()
    yield link
    link.close()


@pytest.fixture
def channel(link: AmqpLink) -> amqp.Channel:
    return link.channel()


def warnings(remarks: list[Remark]) -> list[str]:
    return [remark.text for remark in remarks if not remark.is_note]


def test_queues_as_the_settings_say_are_no_reason_to_worry(link: AmqpLink, channel: amqp.Channel) -> None:
    with link.within():
        channel.queue_declare("mails", durable=True, auto_delete=False, arguments=QUORUM)
        channel.queue_declare("feeds", durable=True, auto_delete=False)

    remarks = look_at(link, [QueueDefinition(name="mails", arguments=QUORUM), QueueDefinition(name="feeds")])

    assert warnings(remarks) == []
    [classic] = [remark for remark in remarks if remark.text.startswith("Classic queues")]
    assert classic.text.startswith("Classic queues: feeds.")


@pytest.mark.parametrize(
    ("there", "said", "difference"),
    [
        ({}, QUORUM, "x-queue-type is classic, and not quorum"),
        (QUORUM, {}, "x-queue-type is quorum, and not classic"),
        ({}, {"x-max-priority": 9}, "x-max-priority is none, and not 9"),
        ({"x-max-priority": 5}, {"x-max-priority": 9}, "x-max-priority is 5, and not 9"),
    ],
)
def test_a_queue_that_is_another_is_named_with_the_difference(
    link: AmqpLink, channel: amqp.Channel, there: dict[str, object], said: dict[str, object], difference: str
) -> None:
    with link.within():
        channel.queue_declare("mails", durable=True, auto_delete=False, arguments=there)

    [warning] = warnings(look_at(link, [QueueDefinition(name="mails", arguments=said)]))

    assert warning == f"The queue mails is not what the settings say, and is used as it is: {difference}."


def test_looking_makes_no_queue(rabbitmq: RabbitServer, amqp_url: str, link: AmqpLink) -> None:
    look_at(link, [QueueDefinition(name="mails")])

    assert rabbitmq.queues(amqp_url) == {}


@pytest.mark.parametrize(
    ("version", "warned", "timed"),
    [
        ("3.8.9", True, False),
        ("3.8.34", True, True),
        ("3.10.8", False, True),
        ("4.1.0", False, True),
        ("", False, False),
    ],
)
def test_the_version_says_what_the_server_can_do(version: str, warned: bool, timed: bool) -> None:
    remarks = judge(version, Found())

    assert [text.startswith("The server is a RabbitMQ") for text in warnings(remarks)] == [True] * warned
    assert [remark.text for remark in remarks if "consumer_timeout" in remark.text] != [] or not timed


def test_an_operator_is_told_of_the_queues_that_the_application_uses(
    amqp_url: str, channel: amqp.Channel, link: AmqpLink
) -> None:
    with link.within():
        channel.queue_declare("mails", durable=True, auto_delete=False, arguments=QUORUM)
    broker = AmqpBroker(AmqpLocation.from_url(amqp_url))
    broker.publish([publication("a"), publication("b", queue="mails")])

    told = [remark.text for remark in broker.admin.remarks()]
    broker.close()

    assert [text for text in told if text.startswith("The queue mails is not what the settings say")]
    assert [text for text in told if text.startswith("Classic queues: celery.")]
    assert [text for text in told if "consumer_timeout" in text]
