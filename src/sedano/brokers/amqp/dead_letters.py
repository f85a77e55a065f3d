"""Buried messages: in a queue of their own, each with the reason.

Used by ``AmqpLease``, which buries, and by ``AmqpAdmin``, which shows them. Never talks to a server.
"""

import secrets
from typing import Any, Final

import amqp

from sedano.brokers.admin import DeadLetter
from sedano.brokers.amqp.copy import Copy
from sedano.brokers.amqp.message import DEAD, decode, restamped
from sedano.brokers.amqp.sending import Draft
from sedano.brokers.delivery import Delivery

#: Servers quote what was asked of them. Characters.
_LONGEST_REASON: Final = 500

_last_key = 0


def buried(
    message: amqp.Message, delivery: Delivery, reason: str, *, crashes: int, now: float
) -> amqp.Message:
    """The message, as it is buried."""
    notes = {DEAD: [_key(now), delivery.queue, reason, now]}
    return restamped(message, crashes=crashes, redelivered=delivery.redelivered, now=now, notes=notes)


def undelivered(draft: Draft, reason: str, *, now: float) -> amqp.Message:
    """A message that RabbitMQ did not take, as it is buried."""
    said = [_key(now), draft.queue, reason[:_LONGEST_REASON], now, draft.exchange, draft.routing_key]
    return restamped(draft.message, now=now, notes={DEAD: said})


def letter_of(message: amqp.Message) -> DeadLetter | None:
    """A message of the queue; None for what somebody else has put there."""
    said: Any = (message.properties.get("application_headers") or {}).get(DEAD)
    if not isinstance(said, list) or len(said) not in (4, 6):
        return None
    key, queue, reason, at, *exchange = said
    one = decode(message, tag=0, queue=str(queue or exchange[0]), now=0.0)
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


def replayed(message: amqp.Message, now: float) -> Copy:
    """A letter's message as it was published, at this moment."""
    _, queue, _, _, *exchange = message.properties["application_headers"][DEAD]
    return Copy(queue, restamped(message, crashes=0, redelivered=False, now=now), None, *exchange)


def _key(now: float) -> int:
    """A number that no other letter has; later ones have larger ones."""
    global _last_key
    _last_key = max(_last_key + 1, (int(now * 1000) << 20) + secrets.randbelow(1 << 19))
    return _last_key
