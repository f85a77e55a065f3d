"""From publications to messages on their way: addressed, with what they need declared, and confirmed.

Used by publishers and leases, each with a connection of its own.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import amqp

from sedano.amqp.confirms import Confirms, Outgoing, Refusal
from sedano.amqp.failures import ChannelClosed
from sedano.amqp.link import AmqpLink
from sedano.brokers.amqp.delays import Delays
from sedano.brokers.amqp.message import encode
from sedano.brokers.amqp.topology import Topology
from sedano.brokers.publication import Publication
from sedano.clock import Clock

_NOT_FOUND: Final = 404


class Draft(NamedTuple):
    """A message, and where and when it is to be ready."""

    message: amqp.Message
    #: By its name; with an exchange, only what is to be declared. Empty where an exchange alone says where.
    queue: str
    exchange: str = ""
    routing_key: str = ""
    #: POSIX seconds; None means at once.
    due: float | None = None
    label: str = "a message"


class Batch:
    """Some drafts, of which fewer and fewer are left to be sent."""

    def __init__(self, drafts: Iterable[Draft]) -> None:
        #: Those that the server has not answered for.
        self.left = list(drafts)

    def keep(self, unanswered: Iterable[Outgoing]) -> None:
        """The server has taken all but these."""
        messages = {id(one.message) for one in unanswered}
        self.left = [one for one in self.left if id(one.message) in messages]


def draft(publication: Publication, now: float) -> Draft:
    """A publication as a message, ready ``now`` (POSIX seconds) or when it is due."""
    return Draft(
        encode(publication, now),
        publication.queue,
        publication.exchange,
        publication.routing_key,
        publication.due,
        f"{publication.task}[{publication.task_id}]",
    )


class Sending:
    """Thread-safe.

    Args:
        topology: The application's queues.
        delays: Keeps what is not yet due.
    """

    def __init__(self, topology: Topology, delays: Delays, clock: Clock) -> None:
        self.topology = topology
        self.delays = delays
        self._clock = clock

    def send(
        self, link: AmqpLink, confirms: Callable[[], Confirms], batch: Batch, *, deadline: float
    ) -> list[Refusal]:
        """Send what is left of a batch, and wait until the server has answered for it.

        What reaches nothing is sent a second time, when all that it needs has been declared again: the server
        may have been emptied since.

        Args:
            confirms: Gives the confirmed channel of the link; a new one when the server has closed it.
            deadline: Monotonic seconds.

        Returns:
            Those that the server did not take. The batch is left with them, as it is with all that was not
            answered for when there is an error.

        Raises:
            BrokerUnavailable: The connection is gone, or there was no answer in time.
            BrokerError: An exchange does not exist, or may not be used.
        """
        refusals: list[Refusal] = []
        try:
            refusals = self._send(link, confirms(), batch, deadline)
            is_missing = any(one.unroutable for one in refusals)
        except ChannelClosed as error:
            if error.code != _NOT_FOUND:
                raise
            is_missing = True
        if is_missing:
            for one in batch.left:
                self.topology.forget((one.queue, one.exchange))
            self.delays.forget()
            refusals = self._send(link, confirms(), batch, deadline)
        return refusals

    def _send(self, link: AmqpLink, confirms: Confirms, batch: Batch, deadline: float) -> list[Refusal]:
        outgoing = [self.address(link, one) for one in batch.left]
        try:
            return confirms.send(outgoing, deadline=deadline)
        finally:
            batch.keep(confirms.left_over)

    def address(self, link: AmqpLink, one: Draft) -> Outgoing:
        """Where it goes. Declares what that needs.

        Raises:
            BrokerError: What it needs does not exist, or may not be used.
            QueueNotFound: Nobody has described its queue, and none may be made.
        """
        exchange, routing_key = one.exchange, one.routing_key
        if one.queue:
            self.topology.have(link, (one.queue,))
        if not exchange:
            # As Celery does it: whatever exchange a queue has, its name is enough.
            routing_key = self.topology.queues.find(one.queue).name
        elif not one.queue:
            self.topology.have_exchange(link, exchange)
        # Nodes that are to hear of it may be away.
        mandatory = not (exchange and self.topology.is_broadcast(exchange))
        if one.due is not None and one.due - self._clock.timestamp() >= 1:
            if exchange:
                key = self.delays.key_of_exchange(link, exchange, routing_key, lasting=mandatory)
            else:
                key = self.delays.key_of_queue(link, routing_key)
            # Asked again: to declare what delays need takes a while the first time.
            seconds = int(one.due - self._clock.timestamp())
            if seconds > 0:
                exchange, routing_key = self.delays.address(key, seconds)
                mandatory = True
        return Outgoing(exchange, routing_key, one.message, one.label, mandatory)


def first_error(refusals: Sequence[Refusal]) -> Exception:
    """What to raise for these: what trying again does not help comes first."""
    return min(refusals, key=lambda one: not one.unroutable).error
