"""What a node held when its connection broke, and its children may still be running.

Used by ``AmqpLease``, in its thread. The server gives such messages out again. Those that this node gets back
within a moment are held again as if nothing had happened; if others have got one of them, all is void. What
the server had not heard to be done with, when the connection broke, comes again as well.
"""

import time
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from sedano.brokers.amqp.consumers import Arrival
from sedano.brokers.amqp.message import decode
from sedano.brokers.amqp.node_log import Run, run_of
from sedano.brokers.amqp.session import NodeSession
from sedano.brokers.amqp.settling import Claim
from sedano.brokers.delivery import Delivery

#: From the new connection on. A server that has noticed the end of the old one has them ready at once.
GRACE: Final = 2.0

#: No more acknowledgements are under way at a time.
_ON_THE_WAY: Final = 5000

_Identity: TypeAlias = tuple[str, str, Run]


class Orphans:
    """Empty while the connection stands.

    Args:
        grace: How long they are waited for, seconds.
    """

    def __init__(self, grace: float = GRACE) -> None:
        self._grace = grace
        self._tags: dict[_Identity, int] = {}
        self._until = 0.0
        #: Those that were acknowledged last.
        self._finished: deque[_Identity] = deque(maxlen=_ON_THE_WAY)
        #: Those of them that the server may not have heard of.
        self._unheard: frozenset[_Identity] = frozenset()

    def __len__(self) -> int:
        return len(self._tags)

    def leave(self, claims: Mapping[int, Claim]) -> None:
        """The connection has broken that these were held on."""
        self._unheard = frozenset(self._finished)
        self._tags = {_identity(claim.arrival, claim.delivery): tag for tag, claim in claims.items()}

    def finish(self, claims: Iterable[Claim]) -> None:
        """These are acknowledged: should they come again, the server has not heard of it."""
        self._finished += [_exactly(claim.delivery) for claim in claims]

    def had_finished(self, arrival: Arrival, delivery: Delivery) -> bool:
        """Whether this was done with before the last break. Who cannot tell says no."""
        return arrival.returned and _exactly(delivery) in self._unheard

    def clear(self) -> None:
        """They are void."""
        self._tags = {}

    def wait_from_now(self) -> None:
        """There is a new connection."""
        self._until = time.monotonic() + self._grace

    @property
    def are_given_up(self) -> bool:
        """Whether the others must be taken to be somebody else's by now."""
        return time.monotonic() >= self._until

    def adopt(self, session: NodeSession, held: dict[int, Claim]) -> None:
        """Hold those again that the server gives to us."""
        queues = list({held[tag].delivery.queue for tag in self._tags.values()})
        session.ask_for(queues, len(self._tags) + session.consumers.count(queues))
        session.settle_down(queues)
        for arrival in session.consumers.take_all(queues):
            delivery = decode(arrival.message, tag=0, queue=arrival.queue, now=0.0)
            tag = self._tags.pop(_identity(arrival, delivery), None)
            if tag is None:
                session.consumers.put_back(arrival)
            else:
                held[tag] = Claim(arrival, held[tag].delivery)


def _identity(arrival: Arrival, delivery: Delivery) -> _Identity:
    return delivery.queue, delivery.task_id, run_of(arrival.message)


def _exactly(delivery: Delivery) -> _Identity:
    """Of a message that is not of ours it is another one each time: a retry looks like the attempt before."""
    return delivery.queue, delivery.task_id, (delivery.crashes, delivery.ready_since)
