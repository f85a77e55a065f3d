"""What users write of queues, as brokers declare it: ours, kombu's, and dictionaries say the same."""

from typing import Any

import kombu
import kombu.common
import msgspec
import pytest
from kombu.transport.pyamqp import Channel

from sedano.errors import ConfigurationError, NotSupported
from sedano.queues.binding import Binding
from sedano.queues.broadcast import Broadcast
from sedano.queues.definition import QueueDefinition
from sedano.queues.exchange import Exchange
from sedano.queues.queue import Queue
from sedano.queues.reading import read_exchange, read_queue, read_queues

LIMITS: dict[str, Any] = {
    "expires": 1.5,
    "message_ttl": 60,
    "max_length": 10,
    "max_length_bytes": 2048,
    "max_priority": 9,
}


def test_a_queue_of_kombus_is_read_as_ours() -> None:
    def described(queue: Any, exchange: Any) -> QueueDefinition:
        return read_queue(
            queue(
                "images",
                exchange("media", type="topic", durable=False, delivery_mode="transient"),
                routing_key="media.image.*",
                queue_arguments={"x-queue-type": "classic"},
                binding_arguments={"b": 1},
                consumer_arguments={"x-priority": 3},
                alias="pictures",
                **LIMITS,
            )
        )

    ours = described(Queue, Exchange)

    assert ours == described(kombu.Queue, kombu.Exchange)
    assert ours.exchange == Exchange("media", "topic", durable=False, delivery_mode=1)
    assert (ours.routing_key, ours.alias, ours.durable) == ("media.image.*", "pictures", True)


def test_the_arguments_are_those_that_kombu_declares() -> None:
    queue = kombu.Queue("q", queue_arguments={"x-queue-type": "classic"}, **LIMITS)

    declared = Channel.prepare_queue_arguments(None, queue.queue_arguments, **LIMITS)

    assert read_queue(queue).arguments == declared


def test_a_dictionary_says_the_same_as_an_object() -> None:
    [from_dictionary] = read_queues(
        {"images": {"exchange": "media", "exchange_type": "topic", "binding_key": "media.#", **LIMITS}}
    )

    assert from_dictionary == read_queue(Queue("images", Exchange("media", "topic"), "media.#", **LIMITS))


def test_a_queue_may_be_bound_more_than_once() -> None:
    ours = read_queue(Queue("q", bindings=[Binding(Exchange("a"), "1"), Binding(Exchange("b"), "2")]))
    [one] = read_queue(kombu.Queue("q", [kombu.binding(kombu.Exchange("a"), "1")])).bindings

    assert ours.bindings == (Binding(Exchange("a"), "1"), Binding(Exchange("b"), "2"))
    assert one == ours.bindings[0]
    assert not ours.is_reached_by_name


def test_an_exclusive_queue_goes_with_its_connection() -> None:
    assert read_queue(Queue("q", exclusive=True)).auto_delete


@pytest.mark.parametrize("broadcast", [Broadcast("news"), kombu.common.Broadcast("news")])
def test_a_broadcast_queue_is_one_process_own_and_outlives_its_connection_for_a_while(broadcast: Any) -> None:
    queue = read_queue(broadcast)

    assert queue.is_of_one_node
    assert (queue.alias, queue.exchange.name, queue.exchange.type) == ("news", "news", "fanout")
    assert queue.arguments == {"x-expires": 60_000}
    assert not queue.auto_delete


def test_a_queue_behind_a_fanout_exchange_with_a_name_of_its_own_is_left_as_it_is() -> None:
    queue = read_queue(kombu.Queue("audit", kombu.Exchange("news", type="fanout"), auto_delete=True))

    assert (queue.is_of_one_node, queue.auto_delete, queue.arguments) == (False, True, {})


@pytest.mark.parametrize("exchange", ["media", Exchange("media"), kombu.Exchange("media")])
def test_an_exchange_may_be_its_name(exchange: Any) -> None:
    assert read_exchange(exchange) == Exchange("media")


@pytest.mark.parametrize(
    ("queues", "error", "complaint"),
    [
        ({"a": {"rounting_key": "b"}}, ConfigurationError, "'a': rounting_key: no such.*'routing_key'"),
        ([kombu.Queue("a", no_ack=True)], NotSupported, "'a' has no_ack.*acks_late=False"),
        ([kombu.Queue("a", on_declared=print)], NotSupported, "'a' has on_declared"),
    ],
)
def test_what_nobody_would_do_is_refused(queues: Any, error: type[Exception], complaint: str) -> None:
    with pytest.raises(error, match=complaint):
        read_queues(queues)


def test_a_definition_travels_in_a_nodes_plan() -> None:
    queue = read_queue(Queue("q", Exchange("e", "topic"), "a.#", bindings=[Binding(Exchange("f"), "x")]))

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(queue), type=QueueDefinition) == queue
