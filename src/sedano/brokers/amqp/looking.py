"""Reading queues without taking from them: messages are received, looked at, and given back.

Used by ``AmqpAdmin``, on its own connection. While somebody looks, nodes do not get these messages;
afterwards they count as returned. RabbitMQ has no other way.
"""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

import amqp

from sedano.amqp.failures import ChannelClosed
from sedano.amqp.link import AmqpLink
from sedano.brokers.amqp.consumers import ACKNOWLEDGED_AT_ONCE, Arrival
from sedano.brokers.amqp.copy import as_it_was, may_go_back
from sedano.brokers.amqp.delays import QUEUES
from sedano.brokers.amqp.outbound import Outbound

_NOT_FOUND: Final = 404
#: Seconds.
_RETURNS_WITHIN: Final = 0.5


class Look:
    """What is in some queues at a moment. Everything that is not removed is given back at the end."""

    def __init__(self, link: AmqpLink, outbound: Outbound) -> None:
        self._link = link
        self._outbound = outbound
        self._channel: Any = link.channel()
        #: The server closes this one when it is asked for what is not there.
        self._asking: Any = None
        self._seen: list[Arrival] = []
        self._removed: Counter[str] = Counter()

    def count(self, queue: str) -> int:
        """How many messages are ready; 0 for a queue that is not there."""
        declared = self._asked(lambda channel: channel.queue_declare(queue, passive=True))
        return int(declared.message_count) if declared is not None else 0

    def purge(self, queue: str) -> int:
        """Delete what is ready; returns how many. 0 for a queue that is not there."""
        return self._asked(lambda channel: channel.queue_purge(queue)) or 0

    def messages(self, queue: str, limit: int | None = None) -> list[Arrival]:
        """The next messages of a queue, or all of them."""
        count = self.count(queue)
        wanted = count if limit is None else min(limit, count)
        if wanted <= 0:
            return []
        found: list[Arrival] = []

        def on_message(message: amqp.Message) -> None:
            found.append(Arrival(message, queue))

        with self._link.within():
            self._channel.basic_qos(0, min(wanted, 65_535), False)
            name = self._channel.basic_consume(queue, callback=on_message)
        before = -1
        while before < len(found) < wanted:
            before = len(found)
            with self._link.within():
                # When the second answer is here, so is what the queue sent before the first.
                self._channel.queue_declare(queue, passive=True)
                self._channel.queue_declare(queue, passive=True)
        with self._link.within():
            self._channel.basic_cancel(name)
        del self._removed[queue]
        self._seen += found
        return found

    def remove(self, arrival: Arrival) -> None:
        """Take it out of its queue for good."""
        with self._link.within():
            self._channel.basic_ack(arrival.tag)
        self._seen.remove(arrival)
        self._removed[arrival.queue] += 1

    def close(self) -> None:
        """Give back the others."""
        # Those that wait for their time can go on as they are: what is dropped there goes on at once, and is
        # put off again by who gets it.
        tired = [one for one in self._seen if not may_go_back(one) and one.queue not in QUEUES]
        for arrival in tired:
            self._outbound.publish((), [as_it_was(arrival)])
            self.remove(arrival)
        if self._channel.is_open:
            self._have_removals_carried_out()
            with self._link.within():
                self._channel.close()
        self._wait_for_returns()
        if self._asking is not None and self._asking.is_open:
            with self._link.within():
                self._asking.close()

    def _have_removals_carried_out(self) -> None:
        """Acknowledgements that a quorum queue has not got to are lost with the channel (see ``Consumers``).

        It answers to a cancelled consumer after them. What that one was sent meanwhile goes back.
        """
        for queue, count in self._removed.items():
            if count > ACKNOWLEDGED_AT_ONCE:
                with self._link.within():
                    self._channel.basic_qos(0, 1, False)
                    name = self._channel.basic_consume(queue)
                    self._channel.basic_cancel(name)

    def _wait_for_returns(self) -> None:
        """A quorum queue has messages back a moment later: who looks again at once is to see them.

        Not for long: where a node has taken them meanwhile, they do not come back.
        """
        deadline = time.monotonic() + _RETURNS_WITHIN
        for queue, given_back in Counter(one.queue for one in self._seen).items():
            while self.count(queue) < given_back and time.monotonic() < deadline:
                self._link.pump(_RETURNS_WITHIN / 50)

    def _asked(self, question: Callable[[Any], Any]) -> Any:
        """The server's answer; None for a queue that is not there."""
        if self._asking is None or not self._asking.is_open:
            self._asking = self._link.channel()
        try:
            with self._link.within():
                return question(self._asking)
        except ChannelClosed as error:
            if error.code != _NOT_FOUND:
                raise
            return None


@contextlib.contextmanager
def look(link: AmqpLink, outbound: Outbound) -> Iterator[Look]:
    """For as long as the block lasts."""
    looking = Look(link, outbound)
    try:
        yield looking
    finally:
        if link.is_open:
            looking.close()
