"""One connection to a RabbitMQ: it hears, it waits, it ends in time, and it says why."""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator

import amqp
import pytest

from sedano.amqp.amqp_url import AmqpLocation, AmqpServer
from sedano.amqp.confirms import Confirms, Outgoing
from sedano.amqp.failures import ChannelClosed
from sedano.amqp.link import AmqpLink
from sedano.errors import BrokerUnavailable
from tests.servers.rabbitmq_server import RabbitServer
from tests.servers.tcp_proxy import TcpProxy


@pytest.fixture
def location(amqp_url: str) -> AmqpLocation:
    return AmqpLocation.from_url(amqp_url)


@pytest.fixture
def link(location: AmqpLocation) -> Iterator[AmqpLink]:
    link = AmqpLink(location, timeout=2, wakeable=True)
    link.open()
    yield link
    link.close()


def in_a_moment(call: Callable[[], object]) -> threading.Timer:
    timer = threading.Timer(0.2, call)
    timer.start()
    return timer


@contextlib.contextmanager
def listener(serve: Callable[[socket.socket], object]) -> Iterator[AmqpLocation]:
    """Something that is no RabbitMQ."""

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = server.accept()
                with client, contextlib.suppress(OSError):
                    serve(client)

    server = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=accept)
    thread.start()
    yield AmqpLocation(servers=(AmqpServer(host="127.0.0.1", port=server.getsockname()[1]),))
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


# -- waiting


def test_a_pump_ends_when_something_comes(link: AmqpLink, location: AmqpLocation) -> None:
    channel, found = link.channel(), []
    with link.within():
        channel.queue_declare("q", durable=True, auto_delete=False)
        channel.basic_consume("q", callback=found.append)
    other = AmqpLink(location, timeout=2)
    message = Outgoing("", "q", amqp.Message(b"a", delivery_mode=2))
    confirms = Confirms(other)

    timer = in_a_moment(lambda: confirms.publish([message], deadline=time.monotonic() + 5))
    while not found:
        assert link.pump(10)
    timer.join()

    assert found[0].body == b"a"
    other.close()


def test_a_pump_ends_when_it_is_woken_and_so_does_the_next_one(link: AmqpLink) -> None:
    began = time.monotonic()

    timer = in_a_moment(link.wake)
    assert not link.pump(30)
    timer.join()
    link.wake()
    assert not link.pump(30)

    assert time.monotonic() - began < 25


def test_a_pump_ends_when_the_time_is_up(link: AmqpLink) -> None:
    began = time.monotonic()

    assert not link.pump(0.3)

    assert 0.25 < time.monotonic() - began < 10


def test_a_pump_says_that_the_connection_is_gone(rabbitmq: RabbitServer, link: AmqpLink) -> None:
    timer = in_a_moment(rabbitmq.close_connections)

    with pytest.raises(BrokerUnavailable, match="CONNECTION_FORCED"):
        link.pump(30)

    timer.join()
    assert not link.is_open
    link.open()
    assert not link.pump(0)
    assert link.generation == 2


# -- heartbeats


def test_a_server_that_is_silent_is_taken_for_dead(location: AmqpLocation, rabbitmq: RabbitServer) -> None:
    proxy = TcpProxy(rabbitmq.port)
    server = AmqpServer(host="127.0.0.1", port=proxy.port, vhost=location.servers[0].vhost)
    link = AmqpLink(AmqpLocation(servers=(server,)), timeout=2, heartbeat=1)
    link.open()

    proxy.hold()
    began = time.monotonic()
    with pytest.raises(BrokerUnavailable, match="heartbeats"):
        link.pump(30)
    proxy.go_on()
    proxy.close()

    assert time.monotonic() - began < 15


def test_a_connection_with_nothing_to_say_is_kept(location: AmqpLocation) -> None:
    link = AmqpLink(location, timeout=2, heartbeat=1)
    link.open()
    began = time.monotonic()

    while time.monotonic() - began < 4:
        link.pump(began + 4 - time.monotonic())

    assert link.is_open
    link.close()


# -- refusals and errors


def test_a_refusal_costs_a_channel_and_not_the_connection(link: AmqpLink) -> None:
    channel = link.channel()

    with pytest.raises(ChannelClosed, match="no queue 'none'") as caught, link.within():
        channel.queue_declare("none", passive=True)

    assert caught.value.code == 404
    assert not channel.is_open
    assert link.is_open
    with link.within():
        link.channel().queue_declare("some", durable=True, auto_delete=False)


def test_a_call_that_is_not_answered_ends_in_time_and_ends_the_connection(
    link: AmqpLink, rabbitmq: RabbitServer
) -> None:
    channel = link.channel()
    began = time.monotonic()

    rabbitmq.freeze()
    try:
        with pytest.raises(BrokerUnavailable), link.within(0.5):
            channel.queue_declare("some", durable=True, auto_delete=False)
    finally:
        rabbitmq.thaw()

    assert time.monotonic() - began < 10
    assert not link.is_open


def test_a_block_within_another_has_no_more_time_than_that(link: AmqpLink, rabbitmq: RabbitServer) -> None:
    channel = link.channel()
    began = time.monotonic()

    rabbitmq.freeze()
    try:
        with pytest.raises(BrokerUnavailable), link.within(0.5), link.within(30):
            channel.queue_declare("some", durable=True, auto_delete=False)
    finally:
        rabbitmq.thaw()

    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x01\x00\x00\x00\x00\x00\x04\x00\x0a\x00\x0bX",
        b"AMQP\x00\x00\x09\x01",
        b"",
    ],
)
def test_a_server_that_speaks_something_else_is_an_error(answer: bytes) -> None:
    with listener(lambda client: client.sendall(answer)) as location, pytest.raises(BrokerUnavailable):
        AmqpLink(location, timeout=1).open()


def test_a_server_that_never_finishes_its_sentence_has_no_more_time_than_others() -> None:
    ended = threading.Event()

    def dribble(client: socket.socket) -> None:
        client.sendall(b"\x01\x00\x00\x00\x00\x10\x00")
        while not ended.wait(0.05):
            client.sendall(b"x")

    began = time.monotonic()
    with listener(dribble) as location:
        with pytest.raises(BrokerUnavailable, match="in time"):
            AmqpLink(location, timeout=0.5).open()
        assert time.monotonic() - began < 10
        ended.set()


# -- several servers


def test_a_server_that_does_not_answer_leaves_time_for_the_next_and_is_not_asked_first_again(
    location: AmqpLocation,
) -> None:
    silent = socket.create_server(("127.0.0.1", 0))
    servers = (AmqpServer(host="127.0.0.1", port=silent.getsockname()[1]), location.servers[0])
    both = AmqpLocation(servers=servers)
    silent.settimeout(0)
    first, second = AmqpLink(both, timeout=3), AmqpLink(both, timeout=3)

    first.open()
    second.open()

    silent.accept()[0].close()
    with pytest.raises(BlockingIOError):
        silent.accept()
    for link in (first, second):
        link.close()
    silent.close()


# -- forks


def test_a_fork_takes_no_connection_from_its_parent(link: AmqpLink) -> None:
    channel = link.channel()

    child = os.fork()
    if not child:
        try:
            assert not link.is_open
            link.open()
            link.close()
        finally:
            os._exit(0)
    os.waitpid(child, 0)

    with link.within():
        channel.queue_declare("some", durable=True, auto_delete=False)


# -- confirms


def test_every_message_is_answered_for(link: AmqpLink) -> None:
    with link.within():
        link.channel().queue_declare("q", durable=True, auto_delete=False)
    confirms = Confirms(link)
    good = [Outgoing("", "q", amqp.Message(b"%d" % number, delivery_mode=2)) for number in range(3)]
    lost = Outgoing("", "none", amqp.Message(b"lost"), "the lost one")

    refusals = confirms.send([good[0], lost, *good[1:]], deadline=time.monotonic() + 5)

    assert [(refusal.outgoing, refusal.unroutable) for refusal in refusals] == [(lost, True)]
    assert confirms.left_over == [lost]
    confirms.publish(good, deadline=time.monotonic() + 5)


def test_what_was_refused_is_left_over_when_the_rest_goes_wrong(link: AmqpLink) -> None:
    with link.within():
        link.channel().queue_declare("q", durable=True, auto_delete=False)
    confirms = Confirms(link)
    good = Outgoing("", "q", amqp.Message(b"good", delivery_mode=2))
    lost = Outgoing("", "none", amqp.Message(b"lost"))
    wrong = Outgoing("no exchange", "q", amqp.Message(b"wrong"))

    with pytest.raises(ChannelClosed):
        confirms.send([good, lost, wrong], deadline=time.monotonic() + 5)

    assert wrong in confirms.left_over
    assert lost in confirms.left_over
    assert not confirms.is_open


def test_what_the_server_would_not_read_is_not_written_and_is_left_over(
    link: AmqpLink, rabbitmq: RabbitServer
) -> None:
    with link.within():
        link.channel().queue_declare("q", durable=True, auto_delete=False)
    confirms = Confirms(link)
    first, second = (Outgoing("", "q", amqp.Message(body, delivery_mode=2)) for body in (b"1", b"2"))

    rabbitmq.block_publishers()
    try:
        for message in (first, second):
            with pytest.raises(BrokerUnavailable, match="blocked"):
                confirms.send([message], deadline=time.monotonic() + 0.5)
            assert confirms.left_over == [message]
    finally:
        rabbitmq.unblock_publishers()
    confirms.publish([second], deadline=time.monotonic() + 5)

    with link.within():
        assert link.channel().queue_declare("q", passive=True).message_count == 2
