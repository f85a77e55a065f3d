"""The task headers of protocol 2, as they stand on the wire.

``celery_v2`` writes them, ``celery_v2`` and ``celery_v1`` read them. Field order is Celery's.
"""

from typing import Any, Final

import msgspec

from sedano.errors import MalformedMessage, NotSerializable
from sedano.message import json_types
from sedano.message.envelope import Envelope
from sedano.message.header_values import Count, Name, TimeLimits, check
from sedano.message.representation import represent
from sedano.message.task_message import TaskMessage


class TaskHeaders(msgspec.Struct, kw_only=True):
    """The headers that the protocol knows. Only ``task`` and ``id`` are required of a message."""

    lang: str | None = "py"
    task: Name
    id: Name
    shadow: str | None = None
    eta: str | None = None
    expires: str | None = None
    group: str | None = None
    group_index: int | None = None
    retries: Count | None = 0
    #: Hard first.
    timelimit: TimeLimits | None = (None, None)
    root_id: str | None = None
    parent_id: str | None = None
    argsrepr: str | None = None
    kwargsrepr: str | None = None
    origin: str | None = None
    ignore_result: bool | None = None
    replaced_task_nesting: Count | None = 0
    stamped_headers: list[str] | None = None
    stamps: dict[str, Any] | None = {}
    #: The MIME name of the body's compression; absent without one.
    compression: str | msgspec.UnsetType | None = msgspec.UNSET


#: Names that a custom header cannot have.
RESERVED: Final[frozenset[str]] = frozenset(TaskHeaders.__struct_fields__)

#: In the past, whatever the clock says: Celery's workers know no other sign that a task is not to run.
_LONG_AGO: Final = "1970-01-01T00:00:00+00:00"

_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder()
_typed_decoder: Final = msgspec.json.Decoder(TaskHeaders)


class _KnownHeaders(TaskHeaders, kw_only=True, forbid_unknown_fields=True):
    """Headers without any of the user's own."""


_known_decoder: Final = msgspec.json.Decoder(_KnownHeaders)


def read_known(headers: bytes) -> TaskHeaders | None:
    """Most headers, in one step, checked; None for those that are worth a second look (``read_object``).

    That is: custom ones, tagged values, anything that is wrong.
    """
    if b"__type__" in headers or b"\\u" in headers:
        return None
    try:
        known = _known_decoder.decode(headers)
        check(known.eta, known.expires, known.timelimit)
    except (ValueError, RecursionError):
        return None
    return known


def write(message: TaskMessage, compression: str | None) -> bytes:
    """The headers of a message whose body is compressed so.

    Raises:
        MessageError: a value has a type that no worker could read, or a custom header cannot be written.
    """
    _check_identity("id", message.id)
    _check_identity("task", message.task)
    headers = TaskHeaders(
        lang=message.lang,
        task=message.task,
        id=message.id,
        shadow=message.shadow,
        eta=message.eta,
        expires=message.expires,
        group=message.group,
        group_index=message.group_index,
        retries=message.retries,
        timelimit=(message.time_limit, message.soft_time_limit),
        root_id=message.root_id or message.id,
        parent_id=message.parent_id,
        argsrepr=message.argsrepr,
        kwargsrepr=message.kwargsrepr,
        origin=message.origin,
        ignore_result=message.ignore_result,
        replaced_task_nesting=message.replaced_task_nesting,
        stamped_headers=message.stamped_headers,
        stamps={},
        compression=compression or msgspec.UNSET,
    )
    if message.headers or message.stamps:
        return _write_with_custom(headers, message)
    try:
        written = _encoder.encode(headers)
        # What we write is read at once, with the types that the readers expect: it costs a microsecond, and a
        # wrong type shows here, in the caller's stack, instead of in a worker's log.
        _check(_typed_decoder.decode(written))
    except UnicodeEncodeError:
        return _write_with_custom(headers, message)
    except (TypeError, OverflowError, msgspec.ValidationError) as error:
        raise MalformedMessage(_explain(str(error))) from error
    return written


def read_object(headers: bytes) -> dict[str, Any]:
    """The headers as a dictionary.

    Raises:
        MalformedMessage: they are no JSON object.
    """
    try:
        found = json_types.loads(headers) if b"__type__" in headers else _decoder.decode(headers)
    except Exception:
        found = _read_leniently(headers)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise MalformedMessage(f"The headers are not a JSON object, but of type {type(found).__name__}.")
    return found


def parse(found: dict[str, Any]) -> TaskHeaders:
    """The headers that the protocol knows, checked.

    Raises:
        MalformedMessage: one is missing or has a type or a value that it cannot have; the message says which.
    """
    try:
        headers = msgspec.convert(found, TaskHeaders)
    except (msgspec.ValidationError, RecursionError) as error:
        raise MalformedMessage(_explain(str(error))) from error
    _check_identity("id", headers.id)
    _check_identity("task", headers.task)
    _check(headers)
    return headers


def custom(found: dict[str, Any]) -> dict[str, Any]:
    """The headers that the protocol does not know: the user's own."""
    if RESERVED.issuperset(found):
        return {}
    return {name: value for name, value in found.items() if name not in RESERVED}


def mark_revoked(envelope: Envelope) -> Envelope:
    """The message as one that is not to run: a node takes it at once, and tells what depends on it.

    Raises:
        MalformedMessage: its headers are no JSON object.
    """
    headers = {**read_object(envelope.headers), "expires": _LONG_AGO, "eta": None, "revoked": True}
    return msgspec.structs.replace(envelope, headers=json_types.dumps(headers).encode("ascii"))


def _write_with_custom(headers: TaskHeaders, message: TaskMessage) -> bytes:
    """The slower way, by Python's JSON: for values of any type."""
    document = {name: getattr(headers, name) for name in TaskHeaders.__struct_fields__}
    if headers.compression is msgspec.UNSET:
        del document["compression"]
    document["stamps"] = message.stamps
    _check_custom(message)
    document.update(message.headers)
    try:
        written = json_types.dumps(document).encode("ascii")
    except Exception as error:
        raise MalformedMessage(f"The headers cannot be written as json: {error}") from error
    parse(read_object(written))
    return written


def _check_custom(message: TaskMessage) -> None:
    for field in ("headers", "stamps"):
        if not isinstance(getattr(message, field), dict):
            raise MalformedMessage(f"{field}: expected a dictionary, got {type(getattr(message, field))!r}.")
    for name, value in (*message.headers.items(), *message.stamps.items()):
        if not isinstance(name, str):
            raise MalformedMessage(f"header {name!r}: the name must be text.")
        try:
            json_types.dumps(value)
        except Exception as error:
            raise NotSerializable(f"header {name!r}: {error}") from error
    taken = RESERVED.intersection(message.headers)
    if taken:
        raise MalformedMessage(
            f"header {min(taken)!r}: the protocol has a header of this name; give yours another one."
        )


def _check_identity(name: str, value: object) -> None:
    """What a message is known by must be text that every database can hold."""
    if not isinstance(value, str):
        raise MalformedMessage(
            f"header {name!r}: expected text, got {represent(value, max_length=80)}. Pass str() of it."
        )
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise MalformedMessage(
                f"header {name!r}: {represent(value)} cannot be encoded: {error}"
            ) from error


def _read_leniently(headers: bytes) -> Any:
    """Read what Python's JSON writes and the standard does not allow: NaN, half surrogate pairs, 1e999."""
    if not headers:
        return None
    try:
        return json_types.loads(headers)
    except Exception as error:
        raise MalformedMessage(f"The headers cannot be read as JSON: {error}") from error


def _check(headers: TaskHeaders) -> None:
    try:
        check(headers.eta, headers.expires, headers.timelimit)
    except ValueError as error:
        raise MalformedMessage(str(error)) from error


def _explain(complaint: str) -> str:
    """msgspec's complaint, with the header first.

    >>> _explain("Expected `int`, got `str` - at `$.retries`")
    "header 'retries': expected int, got str"
    """
    what, _, where = complaint.partition(" - at `$.")
    if not where:
        return f"The headers are not a task's: {what.replace('`', '')}"
    return f"header {where.rstrip('`')!r}: {what[:1].lower()}{what[1:].replace('`', '')}"
