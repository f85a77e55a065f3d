"""Messages whose task was known to no node that has seen them: in one queue, each with its own queue's name.

Used by ``AmqpLease``, in its thread, and by ``AmqpAdmin``. Never talks to a server.
"""

import time
from typing import Final

import amqp

from sedano.brokers.amqp.message import PARKED, restamped
from sedano.brokers.delivery import Delivery

QUEUE: Final = "sedano.parked"
#: So many are looked at in one go.
AT_A_TIME: Final = 50

#: After a look in vain the next one is later, up to this. Seconds.
_LONGEST_PAUSE: Final = 8.0


def parked(message: amqp.Message, delivery: Delivery, now: float) -> amqp.Message:
    """The message, as it is parked."""
    return restamped(message, redelivered=delivery.redelivered, now=now, notes={PARKED: delivery.queue})


def queue_of(message: amqp.Message) -> str:
    """Where a parked message came from."""
    return str((message.properties.get("application_headers") or {}).get(PARKED, ""))


class Patience:
    """How long to leave the parked messages alone."""

    def __init__(self) -> None:
        self._next = 0.0
        self._pause = 0.0

    @property
    def is_over(self) -> bool:
        """Whether it is time to look."""
        return time.monotonic() >= self._next

    def note(self, *, found: bool) -> None:
        """Of a look."""
        self._pause = 0.0 if found else min(_LONGEST_PAUSE, max(0.5, 2 * self._pause))
        self._next = time.monotonic() + self._pause
