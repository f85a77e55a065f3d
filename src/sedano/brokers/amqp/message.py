"""A message as RabbitMQ carries it, both ways. Proved by ``tests/interop``.

``encode`` is called for every publication, ``decode`` for every message that a lease holds, ``restamped`` for
those that are published again. It is Celery's form: the body as it is, the headers as a table. A message of
ours has one header more, ``sedano``, which Celery ignores. It comes first and says all that there is to say,
the headers too, so that we need not read the table: that would be half of the work for a message. Never looks
at arguments, but for a message of protocol 1: its body alone names the task.

Its time to live is not the server's business, which would drop it and tell nobody: the header ``expires``
tells the node when a call is void.
"""

import json
import struct
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import amqp
import msgspec
from amqp.exceptions import FrameSyntaxError

from sedano.amqp.properties import write_properties
from sedano.brokers.delivery import Delivery
from sedano.brokers.publication import Publication
from sedano.errors import MessageTooLarge
from sedano.message import body_peek
from sedano.message.envelope import Envelope

_STAMP: Final = "sedano"
#: The property ``app_id`` of all that we write. A worker of Celery's copies our header into a retry of its
#: own, where it is out of date; properties it does not copy.
_WRITER: Final = "sedano"
#: Headers and properties go in one frame, and servers take none that is longer (``frame_max``). Bytes.
_LARGEST_HEAD: Final = 128 * 1024 - 64
#: Bytes of a short text in AMQP.
_LONGEST_SHORT: Final = 255
#: What is written on messages that lie aside: where they came from, and why.
PARKED: Final = "sedano_parked"
DEAD: Final = "sedano_dead"
#: What RabbitMQ and we add to the headers.
_NOT_THE_SENDERS: Final = frozenset({
    _STAMP,
    "x-death", "x-first-death-exchange", "x-first-death-queue", "x-first-death-reason",
    "x-last-death-exchange", "x-last-death-queue", "x-last-death-reason",
    PARKED, DEAD, "x-delivery-count", "x-acquired-count", "x-stream-offset",
})  # fmt: skip
#: The server acts on the first one, and refuses the second.
_NOT_COPIED: Final = ("expiration", "user_id")
#: One octet.
_HIGHEST_PRIORITY: Final = 255
#: What py-amqp ends in where no table can hold it: large numbers, names of more than 255 bytes.
_NO_TABLE: Final = (struct.error, ValueError, OverflowError, FrameSyntaxError)


class Stamp(msgspec.Struct, array_like=True, gc=False):
    """What a message of ours says beside what Celery says."""

    #: When it became ready, or will (then it waits), POSIX seconds.
    since: float
    #: Whose message it is. None: as the table says, for it was somebody else's.
    task_id: str | None = None
    task: str | None = None
    #: Nothing in its headers keeps it from running at once.
    unconditional: bool = False
    crashes: int = 0
    redelivered: bool = False
    #: It was put off until ``since``; otherwise a moment that lies ahead is of a clock that is ahead.
    waits: bool = False
    #: Where the property cannot say it.
    priority: int | None = None
    #: The envelope's own, where it is another one.
    enclosed_priority: int | None = None
    expiration: str | None = None


class Stamped(NamedTuple):
    """What stands in the header ``sedano``."""

    stamp: Stamp
    #: The headers as they were; None: as the table says.
    headers: bytes | None


_encode_stamp: Final = msgspec.json.Encoder().encode
_decode_stamp: Final = msgspec.json.Decoder(Stamp).decode
#: Between a stamp and the headers. JSON that we write has none.
_BETWEEN: Final = b"\n"


class _Written(amqp.Message):  # type: ignore[misc]
    """Its head is written when it is made: so errors are those of one message, and not of a connection."""

    def __init__(
        self, body: bytes, properties: Mapping[str, Any], table: Mapping[str, Any] | None, stamped: Stamped
    ) -> None:
        said = _encode_stamp(stamped.stamp)
        if stamped.headers is not None:
            said += _BETWEEN + stamped.headers
        super().__init__(body, **properties, application_headers={_STAMP: said, **(table or {})})
        self._head = write_properties(self.properties)

    def _serialize_properties(self) -> bytes:
        return self._head


_encode_json: Final = msgspec.json.Encoder().encode
_decode_json: Final = msgspec.json.Decoder(dict[str, Any]).decode


def encode(publication: Publication, now: float) -> amqp.Message:
    """The message as Celery sends it, ready since ``now`` (POSIX seconds), or when it is due.

    Raises:
        MessageTooLarge: Its headers are larger than servers take.
    """
    envelope = publication.envelope
    since = now if publication.due is None else max(now, publication.due)
    priority = min(max(0, publication.priority), _HIGHEST_PRIORITY)
    table = _table(envelope.headers)
    is_told = table is not None and (table.get("id"), table.get("task")) == (
        publication.task_id,
        publication.task,
    )
    stamp = Stamp(
        since,
        publication.task_id,
        publication.task,
        table is not None and is_told and _is_unconditional(table),
        waits=since > now,
        priority=publication.priority if publication.priority != priority else None,
        enclosed_priority=envelope.priority if envelope.priority != priority else None,
        expiration=envelope.expiration,
    )
    properties = {
        "content_type": envelope.content_type,
        "content_encoding": envelope.content_encoding,
        "application_headers": table,
        "delivery_mode": envelope.delivery_mode,
        "priority": priority,
        "correlation_id": _short(envelope.correlation_id),
        "reply_to": _short(envelope.reply_to),
    }
    whose = f"{publication.task}[{publication.task_id}]"
    return _written(envelope.body, properties, Stamped(stamp, envelope.headers), whose)


def decode(message: amqp.Message, *, tag: int, queue: str, now: float, redelivered: bool = False) -> Delivery:
    """A message that a lease holds.

    One whose task only a child can name has an empty ``task``. ``ready_since`` of one that has come before
    its time lies ahead.

    Args:
        now: When one became ready that does not say so, POSIX seconds.
        redelivered: The server says so; the message may say it as well.
    """
    stamped = _stamped(message)
    if stamped is None:
        table = _headers_of(message)
        envelope = _envelope(message, _json(table), message.properties.get("expiration"))
        task_id, task, envelope = _name(table, envelope)
        found = Delivery(tag, task_id, task, queue, envelope, envelope.priority, 0, redelivered, now)
        exchange, routing_key = _came_through(message)
        if exchange:
            found = msgspec.structs.replace(found, exchange=exchange, routing_key=routing_key)
        return found
    stamp, headers = stamped
    envelope = _envelope(
        message, _json(_headers_of(message)) if headers is None else headers, stamp.expiration
    )
    priority = envelope.priority if stamp.priority is None else stamp.priority
    if stamp.enclosed_priority is not None:
        envelope = msgspec.structs.replace(envelope, priority=stamp.enclosed_priority)
    if stamp.task_id is None or stamp.task is None:
        task_id, task, envelope = _name(_headers_of(message), envelope)
    else:
        task_id, task = stamp.task_id, stamp.task
    return Delivery(
        tag,
        task_id,
        task,
        queue,
        envelope,
        priority,
        stamp.crashes,
        redelivered or stamp.redelivered,
        stamp.since,
        None,
        stamp.unconditional,
        *_came_through(message),
    )


def restamped(
    message: amqp.Message,
    *,
    crashes: int | None = None,
    redelivered: bool | None = None,
    due: float | None = None,
    now: float,
    notes: Mapping[str, Any] | None = None,
) -> amqp.Message:
    """A copy of a message that has come, to be published again; what is None stays as it was.

    Args:
        due: When it is to be ready, POSIX seconds; None means ``now``.
        notes: Further headers.
    """
    stamped = _stamped(message)
    if stamped is None:
        stamped = Stamped(Stamp(now, expiration=message.properties.get("expiration")), None)
    stamp = stamped.stamp
    stamp.since = now if due is None else due
    stamp.waits = due is not None
    if crashes is not None:
        stamp.crashes = crashes
    if redelivered is not None:
        stamp.redelivered = redelivered
    properties = {name: value for name, value in message.properties.items() if name not in _NOT_COPIED}
    table = {name: value for name, value in _headers_of(message).items() if name not in _NOT_THE_SENDERS}
    table |= notes or {}
    return _written(message.body or b"", {**properties, "application_headers": table}, stamped, "a message")


def due_of(message: amqp.Message) -> float | None:
    """When a message is to be ready that was put off, POSIX seconds."""
    stamp = stamp_of(message)
    return stamp.since if stamp is not None and stamp.waits else None


def stamp_of(message: amqp.Message) -> Stamp | None:
    """What a message of ours says beside what Celery says; None of somebody else's."""
    stamped = _stamped(message)
    return None if stamped is None else stamped.stamp


def _stamped(message: amqp.Message) -> Stamped | None:
    said = _headers_of(message).get(_STAMP)
    if not isinstance(said, str | bytes) or message.properties.get("app_id") != _WRITER:
        return None
    written = said.encode("utf-8", "surrogatepass") if isinstance(said, str) else said
    stamp, between, headers = written.partition(_BETWEEN)
    try:
        return Stamped(_decode_stamp(stamp), headers if between else None)
    except msgspec.DecodeError:
        return None


# -- writing


def _written(body: bytes, properties: dict[str, Any], stamped: Stamped, whose: str) -> amqp.Message:
    table = properties.pop("application_headers")
    properties["app_id"] = _WRITER
    try:
        written = _Written(body, properties, table, stamped)
    except _NO_TABLE:
        names = {name: value for name, value in (table or {}).items() if name in ("task", "id")}
        headers = _json(table or {}) if stamped.headers is None else stamped.headers
        written = _Written(body, properties, names, Stamped(stamped.stamp, headers))
    if len(written._head) > _LARGEST_HEAD and stamped.headers == _json(table or {}):
        written = _Written(body, properties, table, Stamped(stamped.stamp, None))
    if len(written._head) > _LARGEST_HEAD:
        raise MessageTooLarge(
            f"The headers of {whose} take {len(written._head)} bytes; RabbitMQ takes {_LARGEST_HEAD}."
        )
    return written


def _table(headers: bytes) -> dict[str, Any] | None:
    """Headers as a table; None for those that are no object."""
    try:
        return _decode_json(headers)
    except msgspec.DecodeError:
        pass
    try:
        # What Python's JSON writes and the standard does not allow: NaN, halves of surrogate pairs.
        found = json.loads(headers)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _short(text: str | None) -> str | None:
    """A text that fits into a property; None for a longer one, which is in the headers as well."""
    return text if text is None or len(text.encode("utf-8", "surrogatepass")) <= _LONGEST_SHORT else None


# -- reading


def _headers_of(message: amqp.Message) -> Mapping[str, Any]:
    return message.properties.get("application_headers") or {}


def _envelope(message: amqp.Message, headers: bytes, expiration: Any) -> Envelope:
    properties = message.properties
    return Envelope(
        headers,
        message.body or b"",
        properties.get("content_type") or "application/data",
        properties.get("content_encoding") or "binary",
        properties.get("correlation_id"),
        properties.get("reply_to"),
        properties.get("priority") or 0,
        properties.get("delivery_mode") or 2,
        expiration,
    )


def _came_through(message: amqp.Message) -> tuple[str, str]:
    """The exchange that it was published to, and its routing key; nothing, if it came by its queue's name."""
    info = message.delivery_info or {}
    exchange = info.get("exchange") or ""
    if not exchange or exchange.startswith("celery_delayed_"):
        return "", ""
    return exchange, info.get("routing_key") or ""


def _json(table: Mapping[str, Any]) -> bytes:
    """The headers that the sender gave the message, as JSON."""
    ours = {name: value for name, value in table.items() if name not in _NOT_THE_SENDERS}
    try:
        return _encode_json(ours)
    except (TypeError, ValueError):  # halves of surrogate pairs, names that are no text
        return json.dumps({str(name): value for name, value in ours.items()}, default=str).encode()


def _name(table: Mapping[str, Any], envelope: Envelope) -> tuple[str, str, Envelope]:
    """The task's id and name, of a message that somebody else sent; of protocol 1, with the headers of 2."""
    if "task" not in table and (headers := body_peek.headers_of(envelope)) is not None:
        envelope = msgspec.structs.replace(envelope, headers=headers)
        table = _table(headers) or {}
    return _known_by(table.get("id")) or envelope.correlation_id or "", _known_by(table.get("task")), envelope


def _known_by(value: Any) -> str:
    """A name or an id; empty if it is none that could be written down."""
    return value if isinstance(value, str) and (value.isascii() or not _has_surrogates(value)) else ""


def _has_surrogates(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _is_unconditional(table: Mapping[str, Any]) -> bool:
    limits = table.get("timelimit")
    return (
        table.get("eta") is None
        and table.get("expires") is None
        and (limits is None or limits == [None, None])
        and "revoked" not in table
    )
