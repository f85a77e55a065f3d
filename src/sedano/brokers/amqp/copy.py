"""A message that goes on elsewhere, or later, or with other words about it."""

import time
from typing import Final, NamedTuple

import amqp

from sedano.brokers.amqp.consumers import Arrival
from sedano.brokers.amqp.message import DEAD, PARKED, decode, due_of, restamped

#: A quorum queue drops what was given back too often: at 20 times, where nobody has said otherwise.
MOST_RETURNS: Final = 10


class Copy(NamedTuple):
    """Published before the message itself is acknowledged: it may be there twice, and is never lost."""

    queue: str
    message: amqp.Message
    #: POSIX seconds (UTC); None means at once.
    due: float | None = None
    #: Where an exchange says where it goes; ``queue`` may be empty then.
    exchange: str = ""
    routing_key: str = ""


def may_go_back(arrival: Arrival) -> bool:
    """Whether the server can be given it back as it is. Otherwise a copy takes its place."""
    return arrival.returns < MOST_RETURNS and not arrival.is_kept


def as_it_was(arrival: Arrival) -> Copy:
    """The same once more: the server has not given this one out yet."""
    message = arrival.message
    delivery = decode(message, tag=0, queue=arrival.queue, now=time.time(), redelivered=arrival.began)
    due = due_of(message)
    table = message.properties.get("application_headers") or {}
    notes = {name: table[name] for name in (PARKED, DEAD) if name in table}
    fresh = restamped(
        message, redelivered=delivery.redelivered, due=due, now=delivery.ready_since, notes=notes
    )
    return Copy(arrival.queue, fresh, due)
