"""A message as receivers of signals see it: what ``task_unknown`` and ``task_rejected`` bring.

Made for receivers only. The node settles the message; a receiver reads it.
"""

from typing import Any

import msgspec

from sedano.brokers.delivery import Delivery
from sedano.message.decoding import decode
from sedano.message.envelope import Envelope


class MessageView:
    """One message, with the attributes that it has in Celery."""

    def __init__(self, delivery: Delivery) -> None:
        envelope = delivery.envelope
        self._envelope: Envelope = envelope
        self.delivery_tag = delivery.tag
        self.body = envelope.body
        self.content_type = envelope.content_type
        self.content_encoding = envelope.content_encoding
        self.headers = _headers(envelope.headers)
        self.properties: dict[str, Any] = {
            "correlation_id": envelope.correlation_id or delivery.task_id,
            "reply_to": envelope.reply_to,
            "priority": envelope.priority,
            "delivery_mode": envelope.delivery_mode,
            "expiration": envelope.expiration,
        }
        self.delivery_info: dict[str, Any] = {
            "exchange": delivery.exchange,
            "routing_key": delivery.routing_key or delivery.queue,
            "priority": delivery.priority,
            "redelivered": delivery.redelivered,
        }

    @property
    def payload(self) -> Any:
        """The body, read: positional arguments, keyword arguments, and what follows.

        Raises:
            MessageError: it is not JSON, or no call of a task.
        """
        call = decode(self._envelope, accept={"json"})
        embed = {
            "callbacks": call.callbacks,
            "errbacks": call.errbacks,
            "chain": call.chain,
            "chord": call.chord,
        }
        return [call.args, call.kwargs, embed]

    def decode(self) -> Any:
        """The same as ``payload``."""
        return self.payload

    def __getattr__(self, name: str) -> Any:
        if name in ("ack", "ack_log_error", "reject", "reject_log_error", "requeue"):
            raise AttributeError(f"message.{name}: the worker settles the message; a receiver only reads it.")
        raise AttributeError(f"The message that signals show has no attribute {name!r}.")

    def __repr__(self) -> str:
        return f"<Message: {self.headers.get('task')}[{self.properties['correlation_id']}]>"


def _headers(raw: bytes) -> dict[str, Any]:
    """As far as they can be read: some messages are refused because they cannot."""
    try:
        return msgspec.json.decode(raw, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}
