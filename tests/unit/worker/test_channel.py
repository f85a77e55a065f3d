"""Messages between the processes of a node, whole and in pieces."""

import os
import socket
from collections.abc import Iterator

import pytest

from sedano.worker.channel import BufferedChannel, Channel

Pair = tuple[BufferedChannel, Channel]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    buffered, blocking = BufferedChannel(ours), Channel(theirs)
    yield buffered, blocking
    buffered.close()
    blocking.close()


def test_messages_arrive_whole_and_in_order(pair: Pair) -> None:
    parent, child = pair

    for message in (b"one", b"", b"x" * 100_000):
        parent.send(message)
        assert child.receive() == message
        child.send(message + b"!")

    assert parent.receive() == [b"one!", b"!", b"x" * 100_000 + b"!"]


def test_half_a_message_waits_for_its_other_half(pair: Pair) -> None:
    parent, child = pair
    raw = (5).to_bytes(4, "big") + b"hello"

    child.connection.sendall(raw[:6])
    assert parent.receive() == []
    child.connection.sendall(raw[6:] + raw)

    assert parent.receive() == [b"hello", b"hello"]


def test_what_the_socket_does_not_take_goes_out_later(pair: Pair) -> None:
    parent, child = pair
    large = os.urandom(2_000_000)

    parent.send(large)
    assert parent.has_outgoing
    received = b""
    while parent.has_outgoing:
        received += child.connection.recv(1 << 20)
        parent.flush()
    child.connection.setblocking(False)
    while True:
        try:
            received += child.connection.recv(1 << 20)
        except BlockingIOError:
            break

    assert received[4:] == large


def test_the_end_of_the_other_side_shows_after_its_last_messages(pair: Pair) -> None:
    parent, child = pair
    child.send(b"last")
    child.close()

    assert parent.receive() == [b"last"]
    assert parent.receive() == []
    assert parent.closed


def test_the_blocking_side_hears_the_end_as_none(pair: Pair) -> None:
    parent, child = pair
    parent.close()

    assert child.receive() is None


def test_descriptors_travel_with_a_message(pair: Pair) -> None:
    parent, child = pair
    reader, writer = os.pipe()

    parent.send_with_descriptors(b"take this", [writer])
    message, (received,) = child.receive_with_descriptors(1)
    os.write(received, b"through")

    assert message == b"take this"
    assert os.read(reader, 10) == b"through"
    for descriptor in (reader, writer, received):
        os.close(descriptor)
