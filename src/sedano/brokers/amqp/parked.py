"""The form of a message that is parked: as it came, with its queue's name.

Used where messages are parked, claimed again, and shown. Never talks to a server.
"""

import amqp

from sedano.brokers.amqp.message import PARKED, restamped
from sedano.brokers.delivery import Delivery


def parked(message: amqp.Message, delivery: Delivery) -> amqp.Message:
    """The message, as it is parked."""
    notes = {PARKED: delivery.queue}
    return restamped(message, redelivered=delivery.redelivered, now=delivery.ready_since, notes=notes)


def queue_of(message: amqp.Message) -> str:
    """Where a parked message came from."""
    return str((message.properties.get("application_headers") or {}).get(PARKED, ""))
