"""Messages that a node holds for long: RabbitMQ wants an answer, and they have none yet.

Used by ``AmqpLease``, in its thread. The server ends a channel on which a message has not been acknowledged
for ``consumer_timeout`` (30 minutes where nobody has said otherwise), and gives to others all that is held
there. So what is held for long changes hands within the node: a copy goes into a queue of the node's own and
is taken from there, then the message is acknowledged. Should the node die, the copy goes to the message's
queue by itself.
"""

import time
from collections.abc import Iterable
from typing import Final

from sedano.brokers.amqp.copy import Copy
from sedano.brokers.amqp.message import restamped
from sedano.brokers.amqp.session import NodeSession
from sedano.brokers.amqp.settling import Claim

#: The server's ``consumer_timeout``, where nobody has said otherwise. Seconds.
USUAL_TIMEOUT: Final = 1800.0
#: Parts of that time after which a message changes hands.
_OF_TIMEOUT: Final = 1 / 3
#: The copy lies there for a moment before it is taken; after a node's death, for so long. Seconds.
_TAKEN_WITHIN: Final = 5.0


class Keeping:
    """Of one connection.

    Args:
        name: Tells this node's queues from those of all others.
        timeout: The server's ``consumer_timeout``, seconds.
    """

    def __init__(self, session: NodeSession, *, name: str, timeout: float) -> None:
        self._session = session
        self._name = name
        self._every = timeout * _OF_TIMEOUT
        #: A queue of the application's -> that of the node.
        self._queues: dict[str, str] = {}

    def keep(self, claims: Iterable[Claim]) -> dict[int, Claim]:
        """Have those change hands that have been held for long; what they are now, by their tags."""
        now = time.monotonic()
        return {
            claim.delivery.tag: self._take_again(claim)
            for claim in claims
            if now - claim.arrival.came_at >= self._every
        }

    def _take_again(self, claim: Claim) -> Claim:
        arrival, delivery = claim
        queue = self._queue_for(delivery.queue)
        copy = restamped(arrival.message, redelivered=True, now=delivery.ready_since)
        self._session.outbound.publish((), [Copy(queue, copy)])
        with self._session.link.within():
            taken = self._session.consumers.get(queue)
        if taken is None:
            # The server stood still meanwhile: the copy is in the message's queue, and this one goes on.
            return claim
        self._session.acknowledge([arrival])
        taken.queue, taken.is_kept, taken.began = arrival.queue, True, True
        return Claim(taken, delivery)

    def _queue_for(self, queue: str) -> str:
        if queue not in self._queues:
            name = f"sedano.kept.{self._name}.{len(self._queues)}"
            self._session.outbound.declare_kept(
                name, queue, seconds=_TAKEN_WITHIN, forgotten_after=4 * self._every + 60.0
            )
            self._queues[queue] = name
        return self._queues[queue]
