"""Celery's two signals around publishing, for those who listen.

Called by the publisher, and only when somebody listens: making the signals' arguments costs more than
publishing.
"""

from collections.abc import Sequence
from typing import Any, Final

from sedano import signals
from sedano.brokers.publication import Publication
from sedano.message.decoding import decode
from sedano.message.task_message import TaskMessage

#: Headers on the wire that are attributes of the message under the same name.
_SAME_NAME: Final = (
    "lang",
    "task",
    "id",
    "shadow",
    "eta",
    "expires",
    "group",
    "group_index",
    "retries",
    "root_id",
    "parent_id",
    "argsrepr",
    "kwargsrepr",
    "origin",
    "ignore_result",
    "replaced_task_nesting",
    "stamped_headers",
    "stamps",
)


def before(message: TaskMessage, exchange: str, routing_key: str) -> None:
    """Send ``before_task_publish``; what receivers change in headers and properties goes into the message."""
    headers = _headers(message)
    properties = _properties(message)
    signals.before_task_publish.send(
        sender=message.task,
        body=_body(message),
        exchange=exchange,
        routing_key=routing_key,
        declare=[],
        headers=headers,
        properties=properties,
        retry_policy=None,
    )
    for name in _SAME_NAME:
        setattr(message, name, headers.pop(name, None))
    limits = headers.pop("timelimit", None) or (None, None)
    message.time_limit, message.soft_time_limit = limits
    message.headers = headers
    message.correlation_id = properties.get("correlation_id")
    message.reply_to = properties.get("reply_to")
    message.priority = properties.get("priority") or 0


def after(publications: Sequence[Publication]) -> None:
    """Send ``after_task_publish`` for each message that the broker has taken."""
    for publication in publications:
        envelope = publication.envelope
        # Our own message: whatever it was written with may be read.
        message = decode(envelope, accept={envelope.content_type})
        signals.after_task_publish.send(
            sender=message.task,
            body=_body(message),
            headers=_headers(message),
            exchange=publication.exchange,
            routing_key=publication.routing_key or publication.queue,
        )


def _body(message: TaskMessage) -> tuple[Any, Any, dict[str, Any]]:
    embed = {
        "callbacks": message.callbacks,
        "errbacks": message.errbacks,
        "chain": message.chain,
        "chord": message.chord,
    }
    return message.args, message.kwargs, embed


def _headers(message: TaskMessage) -> dict[str, Any]:
    headers: dict[str, Any] = {name: getattr(message, name) for name in _SAME_NAME}
    headers["root_id"] = message.root_id or message.id
    headers["timelimit"] = [message.time_limit, message.soft_time_limit]
    headers.update(message.headers)
    return headers


def _properties(message: TaskMessage) -> dict[str, Any]:
    return {
        "correlation_id": message.correlation_id or message.id,
        "reply_to": message.reply_to,
        "priority": message.priority,
        "delivery_mode": message.delivery_mode,
        "expiration": message.expiration,
    }
