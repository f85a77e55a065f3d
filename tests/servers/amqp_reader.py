"""Looks into a RabbitMQ as anybody may: takes messages out of its queues, and sends others.

Used by tests of what we put in. Never uses more of our code than the connection.
"""

import time
from types import TracebackType
from typing import Any

import amqp

from sedano.amqp.amqp_url import AmqpLocation
from sedano.amqp.link import AmqpLink


class AmqpReader:
    """A connection of a test's own."""

    def __init__(self, url: str) -> None:
        self.link = AmqpLink(AmqpLocation.from_url(url), timeout=10, name="test")
        self.channel: Any = self.link.channel()

    def __enter__(self) -> "AmqpReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.link.close()

    def take(self, queue: str, count: int = 1, *, seconds: float = 10.0) -> list[amqp.Message]:
        """So many messages, which are gone from the queue; waits for them."""
        found: list[amqp.Message] = []
        deadline = time.monotonic() + seconds
        with self.link.within(seconds + 5):
            self.channel.basic_qos(0, count, False)
            self.channel.basic_consume(queue, "reader", callback=found.append)
            while len(found) < count and time.monotonic() < deadline:
                self.link.pump(max(0.0, deadline - time.monotonic()))
            for message in found:
                self.channel.basic_ack(message.delivery_tag)
            self.channel.basic_cancel("reader")
        return found

    def bodies(self, queue: str, count: int) -> list[bytes]:
        """The bodies of so many messages."""
        return [message.body for message in self.take(queue, count)]

    def ids(self, queue: str, count: int) -> list[str]:
        """Their correlation ids."""
        return [message.properties["correlation_id"] for message in self.take(queue, count)]

    def depth(self, queue: str) -> int:
        """How many messages are ready."""
        with self.link.within():
            return int(self.channel.queue_declare(queue, passive=True).message_count)
