"""Messages whose task was known to no node that has seen them: in one queue, each with its own queue's name.

Used by ``AmqpLease``, in its thread.
"""

import time
from collections.abc import Collection, Sequence
from typing import Final

from sedano.brokers.amqp.consumers import Arrival
from sedano.brokers.amqp.copy import Copy
from sedano.brokers.amqp.message import decode
from sedano.brokers.amqp.parked import parked, queue_of
from sedano.brokers.amqp.queue_names import PARKING
from sedano.brokers.amqp.session import NodeSession
from sedano.brokers.delivery import Delivery

#: So many are looked at in one go.
_AT_A_TIME: Final = 50
#: After a look in vain the next one is later, up to this. Seconds.
_LONGEST_PAUSE: Final = 8.0


class Parking:
    """A node's looks at what others have parked."""

    def __init__(self) -> None:
        self._next = 0.0
        self._pause = 0.0

    @property
    def is_worth_a_look(self) -> bool:
        """Whether it is time for one."""
        return time.monotonic() >= self._next

    def claim(
        self,
        session: NodeSession,
        queues: Collection[str],
        limit: int,
        tasks: Collection[str],
    ) -> list[Arrival]:
        """Take up to so many of these tasks. The others that were seen are at the end now."""
        found: list[Arrival] = []
        others: list[tuple[Arrival, Delivery]] = []
        session.outbound.declare(PARKING)
        while len(found) < limit and len(found) + len(others) < _AT_A_TIME:
            with session.link.within():
                arrival = session.consumers.get(PARKING)
            if arrival is None:
                break
            # It was parked, so that it had not begun: since then it has only been looked at.
            arrival.returned = arrival.began = False
            arrival.queue = queue_of(arrival.message)
            delivery = decode(arrival.message, tag=0, queue=arrival.queue, now=time.time())
            if arrival.queue in queues and delivery.task in tasks:
                found.append(arrival)
            else:
                others.append((arrival, delivery))
        self._put_behind(session, others)
        self._pause = 0.0 if found else min(_LONGEST_PAUSE, max(0.5, 2 * self._pause))
        self._next = time.monotonic() + self._pause
        return found

    @staticmethod
    def _put_behind(session: NodeSession, seen: Sequence[tuple[Arrival, Delivery]]) -> None:
        """So that the next look finds others."""
        if seen:
            copies = [Copy(PARKING, parked(arrival.message, delivery)) for arrival, delivery in seen]
            session.outbound.publish((), copies)
            session.acknowledge([arrival for arrival, _ in seen])
