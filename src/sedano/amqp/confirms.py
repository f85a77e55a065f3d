"""A channel on which the server confirms every message.

Used by publishers and leases. Writes a whole batch before it waits. Never declares anything.
"""

import contextlib
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import takewhile
from typing import Any, Final, NamedTuple

import amqp
from amqp import spec
from amqp.serialization import dumps

from sedano.amqp.failures import NAME
from sedano.amqp.link import AmqpLink, stopped
from sedano.errors import BrokerError, BrokerUnavailable

#: So many are written before a look is taken at what the server says meanwhile.
_AT_A_TIME: Final = 500
#: A frame's type.
_METHOD: Final = 1
#: Whether the server is still blocked. Seconds.
_LOOK_AGAIN: Final = 0.2


class Outgoing(NamedTuple):
    """One message on its way to an exchange."""

    exchange: str
    routing_key: str
    message: amqp.Message
    #: Whose it is, for errors: a task's name and id.
    label: str = "a message"
    #: It is an error if no queue gets it.
    mandatory: bool = True


class Refusal(NamedTuple):
    """A message that the server did not take."""

    outgoing: Outgoing
    #: No queue gets what is sent there.
    unroutable: bool
    reason: str

    @property
    def error(self) -> BrokerError:
        """What to raise for it."""
        outgoing = self.outgoing
        where = f"exchange {outgoing.exchange!r}, routing key {outgoing.routing_key!r}"
        if self.unroutable:
            return BrokerError(f"RabbitMQ has no queue for {outgoing.label} ({where}): {self.reason}.")
        return BrokerUnavailable(NAME, f"it did not take {outgoing.label} ({where}): {self.reason}")


class Confirms:
    """Owned by the thread that owns the link. Lost with its connection: ``is_open``.

    Args:
        link: Is open, or is opened.
        while_blocked: Called again and again while the server reads nothing (``connection.blocked``): time
            does not count then, until this raises something. Without it the deadline is the deadline.
    """

    def __init__(self, link: AmqpLink, *, while_blocked: Callable[[], object] | None = None) -> None:
        self._link = link
        self._while_blocked = while_blocked
        self._channel: Any = link.channel()
        with link.within():
            self._channel.confirm_select()
        self._channel.events["basic_ack"].add(self._on_ack)
        self._channel.events["basic_nack"].add(self._on_nack)
        self._channel.events["basic_return"].add(self._on_return)
        self._last = 0
        #: Number -> message: of the last batch, what the server has not answered for.
        self._unconfirmed: dict[int, Outgoing] = {}
        self._refused: list[Refusal] = []

    @property
    def is_open(self) -> bool:
        """Whether it can be used on. Not after a refusal that was no fault of the message's."""
        return bool(self._channel.is_open) and self._link.is_open

    @property
    def left_over(self) -> list[Outgoing]:
        """Of the last batch, what the server has not taken: after an error it may have, or not."""
        return [*self._unconfirmed.values(), *(refusal.outgoing for refusal in self._refused)]

    def publish(self, messages: Sequence[Outgoing], *, deadline: float) -> None:
        """Publish all; when it returns the server answers for each.

        Args:
            deadline: Monotonic seconds.

        Raises:
            BrokerError: One of them can reach no queue. The others have been published.
            BrokerUnavailable: The server refused one, or did not answer. Others may have been published.
        """
        for refusal in self.send(messages, deadline=deadline):
            raise refusal.error

    def send(self, messages: Sequence[Outgoing], *, deadline: float) -> list[Refusal]:
        """As ``publish``; those that were refused are returned."""
        # What is left over of an earlier batch has been given up.
        self._unconfirmed, self._refused = dict(enumerate(messages, self._last + 1)), []
        with self._link.within(deadline=deadline):
            self._wait_while_blocked(deadline)
            self._last += len(messages)
            for start in range(0, len(messages), _AT_A_TIME):
                if start:
                    self._link.pump(0)
                self._write(messages[start : start + _AT_A_TIME])
        while self._unconfirmed:
            self._pump(deadline)
        if not all(one.unroutable for one in self._refused):
            # A quorum queue that had no leader once refuses everything from then on that comes over the same
            # channel (RabbitMQ 3.10).
            with contextlib.suppress(BrokerError), self._link.within():
                self._channel.close()
        return self._refused

    def _write(self, messages: Sequence[Outgoing]) -> None:
        """In one piece, and without the look at the socket that py-amqp takes before each message."""
        connection, number = self._channel.connection, self._channel.channel_id
        if connection is None:
            raise ConnectionResetError("the channel is closed")
        write = connection.frame_writer
        with self._link.gathered():
            for exchange, routing_key, message, _, mandatory in messages:
                arguments = _arguments(exchange, routing_key, mandatory)
                write(_METHOD, number, spec.Basic.Publish, arguments, message)

    def _wait_while_blocked(self, deadline: float) -> None:
        """Write nothing that the server would not read: then it has certainly not been published."""
        while self._link.blocked is not None:
            if time.monotonic() >= deadline:
                raise BrokerUnavailable(NAME, stopped(self._link.blocked))
            self._link.pump(max(0.0, deadline - time.monotonic()))

    def _pump(self, deadline: float) -> None:
        if self._link.blocked is not None and self._while_blocked is not None:
            # What has been written will be read some day.
            self._while_blocked()
            self._link.pump(_LOOK_AGAIN)
            return
        if time.monotonic() >= deadline:
            with self._link.within():
                raise TimeoutError("no answer in time")
        self._link.pump(max(0.0, deadline - time.monotonic()))

    # -- what the server says

    def _on_ack(self, number: int, multiple: bool) -> None:
        self._take(number, multiple)

    def _on_nack(self, number: int, multiple: bool) -> None:
        for outgoing in self._take(number, multiple):
            reason = "it was refused (basic.nack): its queue is full, or has no leader"
            self._refused.append(Refusal(outgoing, False, reason))

    def _on_return(self, error: Any, exchange: str, routing_key: str, message: amqp.Message) -> None:
        """Comes before the confirm of the message. Two that are alike may stand for each other."""
        for number, outgoing in self._unconfirmed.items():
            if (outgoing.exchange, outgoing.routing_key) == (exchange, routing_key) and (
                _says_the_same(outgoing.message, message)
            ):
                del self._unconfirmed[number]
                self._refused.append(Refusal(outgoing, True, str(error.reply_text)))
                return

    def _take(self, number: int, multiple: bool) -> list[Outgoing]:
        if not multiple:
            outgoing = self._unconfirmed.pop(number, None)
            return [] if outgoing is None else [outgoing]
        taken = list(takewhile(lambda one: one <= number, self._unconfirmed))
        return [self._unconfirmed.pop(one) for one in taken]


@lru_cache(maxsize=1000)
def _arguments(exchange: str, routing_key: str, mandatory: bool) -> bytes:
    """Of ``basic.publish``."""
    return bytes(dumps("Bssbb", (0, exchange, routing_key, mandatory, False)))


def _says_the_same(one: amqp.Message, other: amqp.Message) -> bool:
    ours, theirs = one.properties.get("correlation_id"), other.properties.get("correlation_id")
    return bool(ours == theirs and one.body == (other.body or b""))
