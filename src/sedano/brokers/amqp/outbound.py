"""What a lease or an operator sends on a connection of its own: messages, copies, news, and questions.

Used by ``AmqpLease`` and ``AmqpAdmin``, in the thread that owns the connection. Lost with it.
"""

import time
from collections.abc import Collection, Iterable, Sequence
from typing import Final

import amqp

from sedano.amqp.confirms import Confirms, Outgoing, Refusal
from sedano.amqp.failures import NAME
from sedano.amqp.link import AmqpLink, stopped
from sedano.brokers.amqp import delays, pauses
from sedano.brokers.amqp.copy import Copy
from sedano.brokers.amqp.queue_names import ASIDE
from sedano.brokers.amqp.sending import Batch, Draft, Sending, draft, first_error
from sedano.brokers.amqp.topology import Declaring, Topology
from sedano.brokers.publication import Publication
from sedano.clock import Clock
from sedano.errors import BrokerUnavailable
from sedano.queues.definition import QueueDefinition
from sedano.queues.queue_table import QUORUM

#: While the server lets nobody publish, a lease asks this often whether it may. Seconds.
_BLOCKED: Final = 0.5


class Outbound:
    """Publishes and declares.

    Args:
        link: Is open.
        sending: Knows the application's queues, and nothing of this connection.
        aside: Arguments of the queues in which messages lie aside.
        timeout: Seconds that publishing may take.
    """

    def __init__(
        self, link: AmqpLink, sending: Sending, clock: Clock, *, aside: dict[str, str], timeout: float
    ) -> None:
        self._link = link
        self._sending = sending
        self._clock = clock
        self._aside = aside
        self._timeout = timeout
        self._confirms: Confirms | None = None
        self._news: Confirms | None = None
        self._declaring = Declaring(link)
        #: What is consumed on this connection has been declared on it: a new one begins anew.
        self._consumed = Topology(sending.topology.queues)
        self._have: set[str] = set()
        self._kept: set[str] = set()
        pauses.declare(link, self._declaring.channel)

    # -- queues

    def definition_of(self, queue: str) -> QueueDefinition:
        """What the application says of a queue."""
        return self._sending.topology.queues.find(queue)

    def declare(self, queue: str) -> None:
        """Have this queue, which somebody is about to consume from."""
        if queue not in ASIDE:
            self._consumed.have(self._link, (queue,))
        if queue in self._have:
            return
        if queue in ASIDE:
            self._declaring.plain_queue(queue, arguments=self._aside)
        elif self._sending.topology.queues.has_quorum:
            self._sending.delays.let_in(self._link, self.definition_of(queue))
        self._have.add(queue)

    def declare_kept(self, name: str, queue: str, *, seconds: float, forgotten_after: float) -> None:
        """A queue of this node's own: what has lain there for so long goes to one of the application's."""
        definition = self.definition_of(queue)
        arguments = {
            # As safe as where the messages came from.
            **(delays.KEPT_BY_MOST if definition.type == QUORUM else {}),
            "x-message-ttl": int(seconds * 1000),
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": definition.name,
            "x-expires": int(forgotten_after * 1000),
        }
        self._declaring.plain_queue(name, arguments=arguments)
        self._kept.add(name)

    def is_prioritized(self, queue: str) -> bool:
        """Whether messages of a queue overtake each other."""
        return "x-max-priority" in self.definition_of(queue).arguments

    def waits_for(self, message: amqp.Message) -> str:
        """The queue that a message goes to when it is due."""
        return self._sending.delays.queue_of(message.delivery_info["routing_key"])

    @property
    def delay_queues(self) -> Sequence[str]:
        """Where messages wait that are not due."""
        return delays.QUEUES

    # -- messages

    def publish(self, publications: Iterable[Publication], copies: Iterable[Copy] = ()) -> None:
        """All of them, confirmed."""
        aside: list[Outgoing] = []
        drafts = [self.draft_of(one) for one in publications]
        for copy in copies:
            if self.lies_aside(copy):
                aside.append(Outgoing("", copy.queue, copy.message))
            else:
                drafts.append(self.draft_of(copy))
        if drafts and (refusals := self.send(Batch(drafts))):
            raise first_error(refusals)
        if aside:
            self._confirmed().publish(aside, deadline=self._deadline())

    def lies_aside(self, copy: Copy) -> bool:
        """Whether it goes to a queue of our own, which is there."""
        if copy.queue in ASIDE:
            self.declare(copy.queue)
        return copy.queue in ASIDE or copy.queue in self._kept

    def draft_of(self, one: Publication | Copy) -> Draft:
        """For ``send``."""
        if isinstance(one, Copy):
            return Draft(one.message, one.queue, one.exchange, one.routing_key, one.due)
        return draft(one, self._clock.timestamp())

    def prepare(self, one: Draft) -> None:
        """Have all that it needs to get where it goes."""
        self._sending.address(self._link, one)

    def send(self, batch: Batch) -> list[Refusal]:
        """As ``Sending.send``."""
        return self._sending.send(self._link, self._confirmed, batch, deadline=self._deadline())

    def tell(self, messages: Sequence[Outgoing]) -> None:
        """Messages that nobody misses: they are not waited for while the server lets nobody publish."""
        if self._news is None or not self._news.is_open:
            self._news = Confirms(self._link, while_blocked=self._give_up)
        self._news.send(messages, deadline=self._deadline())

    def _confirmed(self) -> Confirms:
        if self._confirms is None or not self._confirms.is_open:
            self._confirms = Confirms(self._link, while_blocked=lambda: None)
        return self._confirms

    def _deadline(self) -> float:
        return time.monotonic() + (self._timeout if self._link.blocked is None else _BLOCKED)

    def _give_up(self) -> None:
        raise BrokerUnavailable(NAME, stopped(self._link.blocked or ""))

    # -- pauses

    def pause(self, queue: str) -> None:
        """Have ``paused_of`` name it."""
        pauses.pause(self._link, self._declaring.channel, queue)

    def resume(self, queue: str) -> None:
        """Undo ``pause``."""
        pauses.resume(self._link, self._declaring.channel, queue)

    def paused_of(self, queues: Collection[str]) -> set[str]:
        """Those of these queues that are paused."""
        return pauses.paused_of(self._confirmed(), queues, deadline=self._deadline())
