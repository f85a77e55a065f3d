"""What the RabbitMQ broker publishes is there, whole and once; what cannot be is an error."""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from sedano.amqp.amqp_url import AmqpLocation
from sedano.amqp.failures import ChannelClosed
from sedano.brokers.amqp.broker import AmqpBroker
from sedano.brokers.publication import Publication
from sedano.errors import BrokerError, BrokerUnavailable, ConfigurationError
from sedano.queues.broadcast import Broadcast
from sedano.queues.exchange import Exchange
from sedano.queues.queue import Queue
from sedano.queues.reading import read_queues
from sedano.queues.rules import QueueRules
from sedano.settings.wiring import Wiring
from sedano.testing.messages import publication
from tests.servers.amqp_reader import AmqpReader
from tests.servers.rabbitmq_server import PATIENT, RabbitServer, vhost_of

BrokerAt = Callable[..., AmqpBroker]


@pytest.fixture
def broker_at() -> Iterator[BrokerAt]:
    with contextlib.ExitStack() as opened:

        def open_one(url: str, *, publish_timeout: timedelta = PATIENT, **wiring: Any) -> AmqpBroker:
            location = AmqpLocation.from_url(url)
            broker = AmqpBroker(location, wiring=Wiring(**wiring), publish_timeout=publish_timeout)
            opened.callback(broker.close)
            return broker

        yield open_one


def to_exchange(task_id: str, exchange: str, routing_key: str, **details: Any) -> Publication:
    there = {"queue": "", "exchange": exchange, "routing_key": routing_key}
    return msgspec.structs.replace(publication(task_id, **details), **there)


@pytest.fixture
def broker(amqp_url: str, broker_at: BrokerAt) -> AmqpBroker:
    return broker_at(amqp_url)


@pytest.fixture
def reader(amqp_url: str) -> Iterator[AmqpReader]:
    with AmqpReader(amqp_url) as reader:
        yield reader


def test_a_message_is_in_the_queue_when_publish_returns(broker: AmqpBroker, reader: AmqpReader) -> None:
    broker.publish([publication("a", body=b"\x00\xff")])

    assert reader.depth("celery") == 1
    (message,) = reader.take("celery")
    assert message.body == b"\x00\xff"
    assert message.properties["correlation_id"] == "a"


def test_five_hundred_messages_go_in_one_batch_and_in_order(broker: AmqpBroker, reader: AmqpReader) -> None:
    names = [str(number) for number in range(500)]

    broker.publish([publication(name) for name in names])

    assert reader.ids("celery", 500) == names


def test_a_batch_may_go_to_many_queues(broker: AmqpBroker, reader: AmqpReader) -> None:
    broker.publish([publication(name, queue=f"q.{name}") for name in "abc"])

    assert [reader.depth(f"q.{name}") for name in "abc"] == [1, 1, 1]


def test_a_message_larger_than_any_frame_arrives_whole(broker: AmqpBroker, reader: AmqpReader) -> None:
    body = os.urandom(3_000_000)

    broker.publish([publication("small"), publication("large", body=body), publication("after")])

    assert [len(found) for found in reader.bodies("celery", 3)[1:2]] == [len(body)]
    assert reader.depth("celery") == 0


def test_a_message_that_no_queue_gets_is_an_error_and_the_others_are_published(
    amqp_url: str, reader: AmqpReader, broker_at: BrokerAt
) -> None:
    lost = Queue("lost", Exchange("nowhere", "topic"), routing_key="else", no_declare=True)
    broker = broker_at(amqp_url, queues=QueueRules(queues=read_queues([Queue("celery"), lost])))
    reader.channel.exchange_declare("nowhere", "topic", durable=True, auto_delete=False)
    astray = to_exchange("astray", "nowhere", "the.key", task="tests.astray")

    with pytest.raises(BrokerError, match=r"tests\.astray\[astray\].*'nowhere'.*'the\.key'") as caught:
        broker.publish([publication("a"), astray, publication("b")])

    assert not isinstance(caught.value, BrokerUnavailable)
    assert reader.ids("celery", 2) == ["a", "b"]


def test_an_exchange_that_is_not_there_is_an_error(amqp_url: str, broker: AmqpBroker) -> None:
    with pytest.raises(ChannelClosed, match="none"):
        broker.publish([to_exchange("a", "none", "key")])

    broker.publish([publication("b")])


def test_a_queue_that_was_deleted_is_made_again(broker: AmqpBroker, reader: AmqpReader) -> None:
    broker.publish([publication("a")])
    reader.channel.queue_delete("celery")

    broker.publish([publication("b"), publication("c")])

    assert reader.ids("celery", 2) == ["b", "c"]


def test_an_existing_queue_with_other_arguments_is_used_as_it_is(
    broker: AmqpBroker, reader: AmqpReader, caplog: pytest.LogCaptureFixture
) -> None:
    reader.channel.queue_declare("old", durable=True, auto_delete=False, arguments={"x-max-priority": 7})

    with caplog.at_level(logging.WARNING):
        broker.publish([publication("a", queue="old")])
        broker.publish([publication("b", queue="old")])

    assert reader.ids("old", 2) == ["a", "b"]
    (warning,) = [record.getMessage() for record in caplog.records]
    assert "queue old" in warning
    assert "x-max-priority" in warning


def test_a_full_queue_refuses_and_keeps_what_it_has(
    amqp_url: str, broker_at: BrokerAt, reader: AmqpReader
) -> None:
    broker = broker_at(amqp_url, publish_timeout=timedelta(seconds=1))
    arguments = {"x-max-length": 2, "x-overflow": "reject-publish"}
    reader.channel.queue_declare("small", durable=True, auto_delete=False, arguments=arguments)
    began = time.monotonic()

    with pytest.raises(BrokerUnavailable, match=r"tests\.\w+\[\d\].*queue is full"):
        broker.publish([publication(str(number), queue="small") for number in range(5)])

    assert time.monotonic() - began < 10
    assert reader.depth("small") >= 2


def test_a_nacked_rest_of_a_batch_is_tried_again_and_nothing_else(
    broker: AmqpBroker, reader: AmqpReader
) -> None:
    arguments = {"x-max-length": 3, "x-overflow": "reject-publish"}
    reader.channel.queue_declare("small", durable=True, auto_delete=False, arguments=arguments)
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.extend(reader.ids("small", 20)))
    thread.start()

    broker.publish([publication(str(number), queue="small") for number in range(20)])
    thread.join()

    assert sorted(found, key=int) == [str(number) for number in range(20)]


def test_topic_and_fanout_exchanges_are_declared_with_their_queues(
    amqp_url: str, reader: AmqpReader, broker_at: BrokerAt
) -> None:
    queues = [
        Queue("images", Exchange("media", "topic"), routing_key="media.image.#"),
        Queue("news.1", Exchange("news", "fanout")),
        Queue("news.2", Exchange("news", "fanout")),
    ]
    broker = broker_at(amqp_url, queues=QueueRules(queues=read_queues(queues)))
    broker.publish([to_exchange("image", "media", "media.image.small"), to_exchange("news", "news", "")])

    assert [reader.ids(queue, 1) for queue in ("images", "news.1", "news.2")] == [
        ["image"],
        ["news"],
        ["news"],
    ]


def test_a_broadcast_that_no_node_hears_is_no_error(amqp_url: str, broker_at: BrokerAt) -> None:
    broker = broker_at(amqp_url, queues=QueueRules(queues=read_queues([Broadcast("news")])))

    broker.publish([to_exchange("a", "news", "")])


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_a_queue_is_of_the_kind_that_the_settings_say(
    kind: str, rabbitmq: RabbitServer, amqp_url: str, reader: AmqpReader, broker_at: BrokerAt
) -> None:
    broker = broker_at(amqp_url, queues=QueueRules(default_queue_type=kind, missing_queue_type=kind))

    broker.publish([publication("a"), publication("b", queue="other")])

    made = rabbitmq.queues(amqp_url)
    assert made.keys() == {"celery", "other"}
    assert all(f"{{type,{kind}}}" in said for said in made.values())


def test_a_child_that_was_forked_publishes_on_connections_of_its_own(
    broker: AmqpBroker, reader: AmqpReader
) -> None:
    broker.publish([publication("before")])

    child = os.fork()
    if not child:
        try:
            broker.publish([publication("child")])
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    broker.publish([publication("after")])

    assert status == 0
    assert reader.ids("celery", 3) == ["before", "child", "after"]


def test_many_threads_share_few_connections(
    rabbitmq: RabbitServer, amqp_url: str, broker: AmqpBroker, reader: AmqpReader
) -> None:
    threads = [
        threading.Thread(
            target=lambda name=name: [broker.publish([publication(f"{name}.{n}")]) for n in range(20)]
        )
        for name in range(40)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert reader.depth("celery") == 800
    listed = rabbitmq.ctl("list_connections", "vhost", "--silent").split()
    assert listed.count(amqp_url.rpartition("/")[2]) <= 11


def test_a_wrong_password_is_the_users_business(amqp_url: str, broker_at: BrokerAt) -> None:
    broker = broker_at(amqp_url.replace("guest:guest", "guest:wrong"))

    with pytest.raises(ConfigurationError, match="does not let us in"):
        broker.publish([publication("a")])


def test_a_virtual_host_that_is_not_there_may_come(amqp_url: str, broker_at: BrokerAt) -> None:
    broker = broker_at(f"{amqp_url}.else")

    with pytest.raises(BrokerUnavailable, match="not found"):
        broker.publish([publication("a")])


def test_another_server_is_taken_where_the_first_one_is_gone(
    amqp_url: str, reader: AmqpReader, broker_at: BrokerAt
) -> None:
    broker = broker_at(f"amqp://guest:guest@127.0.0.1:9{amqp_url[amqp_url.rindex('/') :]};{amqp_url}")

    broker.publish([publication("a")])

    assert reader.depth("celery") == 1


def test_a_user_who_may_only_write_can_publish_into_what_is_there(
    rabbitmq: RabbitServer, amqp_url: str, broker: AmqpBroker, reader: AmqpReader, broker_at: BrokerAt
) -> None:
    broker.publish([publication("a"), publication("b", due=time.time() + 3600)])
    vhost = vhost_of(amqp_url)
    rabbitmq.make_user(vhost, amqp_url, write=".*")
    restricted = broker_at(amqp_url.replace("guest:guest", f"{vhost}:secret"))

    restricted.publish([publication("c"), publication("d", due=time.time() + 1.1)])
    with pytest.raises(BrokerError, match="elsewhere"):
        restricted.publish([publication("e", queue="elsewhere")])

    assert sorted(reader.ids("celery", 3)) == ["a", "c", "d"]
    rabbitmq.delete_user(vhost)
