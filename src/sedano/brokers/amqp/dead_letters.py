"""Buried messages: in a queue of their own, each with the reason.

Used by ``AmqpLease``, which buries, and by ``AmqpAdmin``, which shows them. Never talks to a server.
"""

import secrets
from typing import Any

import amqp

from sedano.brokers.admin import DeadLetter
from sedano.brokers.amqp.message import DEAD, decode, restamped
from sedano.brokers.delivery import Delivery

_last_key = 0


def buried(
    message: amqp.Message, delivery: Delivery, reason: str, *, crashes: int, now: float
) -> amqp.Message:
    """The message, as it is buried."""
    notes = {DEAD: [_key(now), delivery.queue, reason, now]}
    return restamped(message, crashes=crashes, redelivered=delivery.redelivered, now=now, notes=notes)


def letter_of(message: amqp.Message) -> DeadLetter | None:
    """A message of the queue; None for what somebody else has put there."""
    said: Any = (message.properties.get("application_headers") or {}).get(DEAD)
    if not isinstance(said, list) or len(said) != 4:
        return None
    key, queue, reason, at = said
    one = decode(message, tag=0, queue=str(queue), now=0.0)
    return DeadLetter(
        int(key),
        one.task_id,
        one.task,
        one.queue,
        str(reason),
        one.crashes,
        float(at),
        one.envelope,
        one.priority,
    )


def replayed(message: amqp.Message, now: float) -> amqp.Message:
    """A letter's message as it was published, at this moment."""
    return restamped(message, crashes=0, redelivered=False, now=now)


def _key(now: float) -> int:
    """A number that no other letter has; later ones have larger ones."""
    global _last_key
    _last_key = max(_last_key + 1, (int(now * 1000) << 20) + secrets.randbelow(1 << 19))
    return _last_key
