"""Kombu's JSON form of a message on Redis, both ways. Proved by ``tests/interop/test_redis_celery.py``.

``encode`` is called for every publication, ``decode`` for every claimed message. A message of ours begins
with the field ``sedano``, which Celery ignores: ``[crashes, redelivered, ready since, task id, task,
priority, headers]``. The scripts change its first three, and put them before a message of Celery's that comes
back. Never looks at arguments, but for a message of protocol 1: its body alone names the task.
"""

from binascii import a2b_base64
from typing import Any, Final

import msgspec

from sedano import ids
from sedano.brokers.delivery import Delivery
from sedano.brokers.publication import Publication
from sedano.errors import MalformedMessage
from sedano.message.envelope import Envelope

_CONTENT: Final = {"content_type": "content-type", "content_encoding": "content-encoding"}
_NO_HEADERS: Final = msgspec.Raw(b"{}")


class _Properties(msgspec.Struct, gc=False):
    delivery_info: dict[str, Any]
    delivery_tag: str
    correlation_id: str | msgspec.UnsetType = msgspec.UNSET
    reply_to: str | msgspec.UnsetType = msgspec.UNSET
    expiration: str | msgspec.UnsetType = msgspec.UNSET
    delivery_mode: int = 2
    priority: int = 0
    body_encoding: str = "base64"


class _Written(
    msgspec.Struct, rename={"content_type": "content-type", "content_encoding": "content-encoding"}
):
    #: First, so that scripts find it.
    sedano: tuple[Any, ...]
    body: bytes
    content_encoding: str
    content_type: str
    headers: msgspec.Raw
    properties: _Properties


class _ReadProperties(msgspec.Struct, gc=False):
    correlation_id: Any = None
    reply_to: Any = None
    delivery_mode: Any = 2
    priority: Any = 0
    expiration: Any = None
    body_encoding: Any = None


class _Stamp(msgspec.Struct, array_like=True, gc=False):
    crashes: int = 0
    redelivered: int = 0
    since: float = 0.0
    #: None in a message that somebody else sent.
    task_id: str | None = None
    task: str = ""
    priority: int = 0
    #: Those that are no JSON object.
    headers: bytes | None = None


class _Read(msgspec.Struct, rename=_CONTENT):
    body: str
    properties: _ReadProperties
    headers: msgspec.Raw = _NO_HEADERS
    content_type: str | None = "application/json"
    content_encoding: str | None = "utf-8"
    sedano: _Stamp | None = None


class _Named(msgspec.Struct, gc=False):
    task: str = ""
    id: str = ""


_UNSTAMPED: Final = _Stamp()

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(_Read).decode
_decode_names: Final = msgspec.json.Decoder(_Named).decode


def encode(publication: Publication, now: float) -> bytes:
    """The message as kombu writes it, ready since ``now`` (POSIX seconds)."""
    envelope = publication.envelope
    headers = envelope.headers
    readable = headers[:1] == b"{"
    return _encode(
        _Written(
            (
                0,
                0,
                now,
                publication.task_id,
                publication.task,
                publication.priority,
                None if readable else headers,
            ),
            envelope.body,
            envelope.content_encoding,
            envelope.content_type,
            msgspec.Raw(headers) if readable else _NO_HEADERS,
            _Properties(
                {"exchange": "", "routing_key": publication.queue},
                ids.task_id(),
                envelope.correlation_id if envelope.correlation_id is not None else msgspec.UNSET,
                envelope.reply_to if envelope.reply_to is not None else msgspec.UNSET,
                envelope.expiration if envelope.expiration is not None else msgspec.UNSET,
                envelope.delivery_mode,
                envelope.priority,
            ),
        )
    )


def decode(message: bytes, *, tag: int, queue: str, now: float) -> Delivery:
    """A claimed message. ``now`` is when one became ready that does not say so.

    Raises:
        MalformedMessage: It is not kombu's JSON.
    """
    try:
        read = _decode(message)
        envelope = _envelope(read)
        stamp = read.sedano or _UNSTAMPED
        task_id, task, priority = stamp.task_id, stamp.task, stamp.priority
        if task_id is None:
            task_id, task = _names(envelope)
            priority = envelope.priority
        elif stamp.headers is not None:
            envelope = msgspec.structs.replace(envelope, headers=stamp.headers)
        return Delivery(
            tag,
            task_id,
            task,
            queue,
            envelope,
            priority,
            stamp.crashes,
            bool(stamp.redelivered),
            stamp.since or now,
        )
    except (ValueError, TypeError, RecursionError) as error:  # msgspec's and binascii's are ValueErrors
        raise MalformedMessage(f"This is not a message in kombu's form: {error}") from error


def unreadable(message: bytes, *, tag: int, queue: str, now: float) -> Delivery:
    """What stands for a message that ``decode`` cannot read: its bytes as the body."""
    return Delivery(tag, "", "", queue, Envelope(b"", message, "application/data", "binary"), ready_since=now)


def _envelope(read: _Read) -> Envelope:
    properties = read.properties
    encoded = properties.body_encoding == "base64"
    priority = properties.priority
    return Envelope(
        bytes(read.headers),
        a2b_base64(read.body) if encoded else read.body.encode(),
        read.content_type or "application/data",
        read.content_encoding or "binary",
        _text(properties.correlation_id),
        _text(properties.reply_to),
        priority if isinstance(priority, int) else 0,
        properties.delivery_mode if isinstance(properties.delivery_mode, int) else 2,
        _text(properties.expiration),
    )


def _names(envelope: Envelope) -> tuple[str, str]:
    """The task's id and name, of a message that somebody else sent."""
    named = _decode_names(envelope.headers)
    if not named.task:
        try:
            named = _decode_names(envelope.body)
        except ValueError:
            named = _Named("", named.id)
    return named.id or envelope.correlation_id or "", named.task


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
