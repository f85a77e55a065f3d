"""Kombu's JSON form of a message on Redis, both ways. Proved by ``tests/interop/test_calls.py``.

``encode`` is called for every publication, ``decode`` for every claimed message. A message of ours begins
with the field ``sedano``, which Celery ignores: ``[crashes, redelivered, ready since, task id, task,
priority, headers, unconditional]``. The scripts change its first three, and put them before a message of
Celery's that comes back. Never looks at arguments, but for a message of protocol 1: its body alone names the
task.
"""

import json
from binascii import a2b_base64
from typing import Any, Final

import msgspec

from sedano import ids
from sedano.brokers.delivery import Delivery
from sedano.brokers.publication import Publication
from sedano.errors import MalformedMessage
from sedano.message import body_peek
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
    unconditional: bool = False


class _Read(msgspec.Struct, rename=_CONTENT):
    body: str
    properties: _ReadProperties
    headers: msgspec.Raw = _NO_HEADERS
    content_type: str | None = "application/json"
    content_encoding: str | None = "utf-8"
    sedano: _Stamp | None = None
    #: Of ``not_before``.
    due: float = 0.0


class _Named(msgspec.Struct, gc=False):
    task: Any = msgspec.UNSET
    id: Any = None


_UNSTAMPED: Final = _Stamp()
_ANONYMOUS: Final = _Named()
#: What reading wrong bytes ends in: msgspec's, json's and binascii's errors are ValueErrors.
_UNREADABLE: Final = (ValueError, TypeError, RecursionError)

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
                publication.unconditional,
            ),
            envelope.body,
            envelope.content_encoding,
            envelope.content_type,
            msgspec.Raw(headers) if readable else _NO_HEADERS,
            _Properties(
                {"exchange": "", "routing_key": publication.queue},
                ids.serial(),
                envelope.correlation_id if envelope.correlation_id is not None else msgspec.UNSET,
                envelope.reply_to if envelope.reply_to is not None else msgspec.UNSET,
                envelope.expiration if envelope.expiration is not None else msgspec.UNSET,
                envelope.delivery_mode,
                envelope.priority,
            ),
        )
    )


def not_before(due: float, message: bytes) -> bytes:
    """An encoded message that waits in the list: the script ``claim`` moves it to the due set if it is early.

    Args:
        due: When it may run, POSIX seconds (UTC).
    """
    return b'{"due":%b,%b' % (repr(due).encode(), message[1:])


def due_time(message: bytes) -> float | None:
    """When a message may run that ``not_before`` has written, POSIX seconds (UTC)."""
    if message[:7] != b'{"due":':
        return None
    try:
        return float(message[7 : message.index(b",")])
    except ValueError:
        return None


def decode(message: bytes, *, tag: int, queue: str, now: float) -> Delivery:
    """A claimed message. ``now`` is when one became ready that does not say so.

    One that is damaged, and yet says whose it is, is ``malformed``: its caller can be told. One whose task
    only a child can name has an empty ``task``.

    Raises:
        MalformedMessage: It is not kombu's JSON.
    """
    try:
        return _delivery(_decode(message), tag, queue, now)
    except _UNREADABLE as error:
        return _read_leniently(message, error, tag, queue, now)


def unreadable(message: bytes, *, tag: int, queue: str, now: float) -> Delivery:
    """What stands for a message that ``decode`` cannot read: its bytes as the body."""
    return Delivery(tag, "", "", queue, Envelope(b"", message, "application/data", "binary"), ready_since=now)


def _delivery(read: _Read, tag: int, queue: str, now: float) -> Delivery:
    envelope = _envelope(read)
    stamp = read.sedano or _UNSTAMPED
    task_id, task, priority = stamp.task_id, stamp.task, stamp.priority
    if task_id is None:
        task_id, task, envelope = _name(envelope)
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
        read.due or stamp.since or now,
        None,
        stamp.unconditional,
    )


def _read_leniently(message: bytes, error: Exception, tag: int, queue: str, now: float) -> Delivery:
    """Read what Python's JSON writes and the standard does not allow: NaN, half surrogate pairs, 1e999."""
    try:
        document = json.loads(message)
    except _UNREADABLE:
        document = None
    if not isinstance(document, dict):
        raise MalformedMessage(f"This is not a message in kombu's form: {error}") from error
    headers = json.dumps(document.get("headers")).encode()
    try:
        return _delivery(
            msgspec.convert({**document, "headers": msgspec.Raw(headers)}, _Read), tag, queue, now
        )
    except _UNREADABLE as damage:
        reason = _text(f"This is not a message in kombu's form: {damage}")
    task_id, task = _owner(document)
    if not task_id:
        raise MalformedMessage(reason) from error
    envelope = Envelope(headers, message, "application/data", "binary", task_id)
    return Delivery(tag, task_id, task, queue, envelope, ready_since=now, malformed=reason)


def _owner(document: dict[str, Any]) -> tuple[str, str]:
    """The task's id and name, as far as a damaged message says them."""
    headers, properties, stamp = (document.get(field) for field in ("headers", "properties", "sedano"))
    headers = headers if isinstance(headers, dict) else {}
    properties = properties if isinstance(properties, dict) else {}
    stamp = stamp[3:5] if isinstance(stamp, list) and len(stamp) > 4 else (None, None)
    task_id = (
        _known_by(headers.get("id")) or _known_by(stamp[0]) or _known_by(properties.get("correlation_id"))
    )
    return task_id, _known_by(headers.get("task")) or _known_by(stamp[1])


def _envelope(read: _Read) -> Envelope:
    properties = read.properties
    encoded = properties.body_encoding == "base64"
    priority = properties.priority
    return Envelope(
        bytes(read.headers),
        a2b_base64(read.body) if encoded else read.body.encode(),
        read.content_type or "application/data",
        read.content_encoding or "binary",
        _text_or_none(properties.correlation_id),
        _text_or_none(properties.reply_to),
        priority if isinstance(priority, int) else 0,
        properties.delivery_mode if isinstance(properties.delivery_mode, int) else 2,
        _text_or_none(properties.expiration),
    )


def _name(envelope: Envelope) -> tuple[str, str, Envelope]:
    """The task's id and name, of a message that somebody else sent; of protocol 1, with the headers of 2."""
    named = _names(envelope.headers)
    if named.task is msgspec.UNSET and (headers := body_peek.headers_of(envelope)) is not None:
        envelope = msgspec.structs.replace(envelope, headers=headers)
        named = _names(headers)
    return _known_by(named.id) or envelope.correlation_id or "", _known_by(named.task), envelope


def _names(headers: bytes) -> _Named:
    try:
        return _decode_names(headers)
    except msgspec.ValidationError:  # no object
        return _ANONYMOUS
    except msgspec.DecodeError:
        return msgspec.convert(json.loads(headers), _Named)


def _known_by(value: Any) -> str:
    """A name or an id; empty if it is none that could be written down."""
    return value if isinstance(value, str) and value == _text(value) else ""


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _text(value: Any) -> str:
    """As text that can be sent on: without halves of surrogate pairs."""
    if isinstance(value, str) and value.isascii():
        return value
    return str(value).encode("utf-8", "backslashreplace").decode()
