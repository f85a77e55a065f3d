"""JSON as Celery writes it: Python's own, plus tagged objects for the types that JSON has not.

A value of such a type becomes ``{"__type__": tag, "__value__": text}``. The tags ``datetime date time decimal
uuid bytes base64`` are Celery's; ``set frozenset timedelta`` are ours, and a Celery worker does not know them
(Celery itself refuses to send such values). As with Celery, tuples come back as lists and keys as text, NaN
and infinities are written as Python writes them, and a dictionary with exactly these two keys is taken for a
tagged value.

Called by the JSON serializer and for custom headers. Errors are Python's; ``serializers`` makes them ours.
"""

import base64
import json
import sys
import uuid
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec

_Encode = Callable[[Any], Any]
_Decode = Callable[[Any], Any]

#: type -> (tag, encode). A tag of None: the encoded value stands for itself and comes back as what it is.
_encoders: Final[dict[type, tuple[str | None, _Encode]]] = {}
_decoders: Final[dict[str, _Decode]] = {}


def register_type(cls: type, tag: str | None, encode: _Encode, decode: _Decode = lambda value: value) -> None:
    """Teach JSON a type, and its subclasses. The arguments are those of kombu's function of the same name.

    Args:
        tag: What stands as ``__type__``; every worker must have registered it. None writes the encoded value
            alone, so that it arrives as what ``encode`` made of it.
        encode: From the object to something that JSON can write.
        decode: From that to the object.

    >>> register_type(complex, "complex", lambda z: [z.real, z.imag], lambda parts: complex(*parts))
    >>> loads(dumps(1 + 2j))
    (1+2j)
    """
    _encoders[cls] = (tag, encode)
    if tag is not None:
        _decoders[tag] = decode


def dumps(value: object) -> str:
    """Write a value. The text is ASCII.

    Raises:
        TypeError, ValueError, RecursionError: as ``json.dumps``.

    >>> dumps({"when": date(2026, 11, 22)})
    '{"when":{"__type__":"date","__value__":"2026-11-22"}}'
    """
    return _encoder.encode(value)


def loads(text: str | bytes) -> Any:
    """Read a value back.

    Raises:
        ValueError, RecursionError: as ``json.loads``; also for a tag that nobody registered.
    """
    written = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    # The hook costs a call per object; without a tag in the text (the second look is for one that is written
    # with escapes) it would find nothing.
    if b"__type__" in written or b"\\u005" in written:
        return _tag_decoder.decode(text.decode("utf-8") if isinstance(text, bytes) else text)
    try:
        return _decode_standard(written)
    except ValueError:
        # Python writes, and reads, more than the standard: NaN, halves of surrogate pairs.
        return _plain_decoder.decode(text.decode("utf-8") if isinstance(text, bytes) else text)


def _write_special(value: Any) -> Any:
    """Called by the encoder for whatever JSON has no form for."""
    own_form = getattr(value, "__json__", None)
    if own_form is not None and not isinstance(value, type):
        return own_form()
    found = _encoders.get(type(value)) or _find_by_base(value)
    if found is not None:
        tag, encode = found
        return encode(value) if tag is None else {"__type__": tag, "__value__": encode(value)}
    if _is_lazy_text(value):
        return str(value)
    raise TypeError(f"{type(value)!r} cannot be written as json")


def _find_by_base(value: object) -> tuple[str | None, _Encode] | None:
    # The latest first, so that a type of the user's goes before the ones registered here. datetime stands
    # after date for this reason: it is a date too.
    for cls in reversed(_encoders):
        if isinstance(value, cls):
            return _encoders[cls]
    return None


def _is_lazy_text(value: object) -> bool:
    """Whether it is one of Django's lazy translations. A process that has any has imported that module."""
    functional = sys.modules.get("django.utils.functional")
    return functional is not None and isinstance(value, functional.Promise)


def _read_tagged(found: dict[str, Any]) -> Any:
    """Called by the decoder for every object."""
    if len(found) != 2 or "__type__" not in found or "__value__" not in found:
        return found
    tag = found["__type__"]
    decode = _decoders.get(tag) if isinstance(tag, str) else None
    if decode is None:
        raise ValueError(
            f"nothing is registered for the type tag {tag!r}; see sedano.message.json_types.register_type"
        )
    return decode(found["__value__"])


def _write_bytes(value: bytes) -> dict[str, str]:
    try:
        return {"__type__": "bytes", "__value__": value.decode("utf-8")}
    except UnicodeDecodeError:
        return {"__type__": "base64", "__value__": base64.b64encode(value).decode("ascii")}


def _hashable(items: list[Any]) -> list[Any]:
    """Members of a set: a list among them can only have been a tuple."""
    return [tuple(_hashable(item)) if isinstance(item, list) else item for item in items]


_encoder: Final = json.JSONEncoder(default=_write_special, separators=(",", ":"))
_tag_decoder: Final = json.JSONDecoder(object_hook=_read_tagged)
_plain_decoder: Final = json.JSONDecoder()
#: Five times as fast.
_decode_standard: Final = msgspec.json.Decoder().decode

register_type(date, "date", date.isoformat, lambda text: datetime.fromisoformat(text).date())
register_type(datetime, "datetime", datetime.isoformat, datetime.fromisoformat)
register_type(time, "time", time.isoformat, time.fromisoformat)
register_type(
    timedelta,
    "timedelta",
    lambda delta: [delta.days, delta.seconds, delta.microseconds],
    lambda parts: timedelta(*parts),
)
register_type(Decimal, "decimal", str, Decimal)
register_type(uuid.UUID, "uuid", lambda value: {"hex": value.hex}, lambda value: uuid.UUID(hex=value["hex"]))
register_type(set, "set", list, lambda items: set(_hashable(items)))
register_type(frozenset, "frozenset", list, lambda items: frozenset(_hashable(items)))
register_type(bytes, None, _write_bytes)
_decoders["bytes"] = lambda text: text.encode("utf-8")
_decoders["base64"] = lambda text: base64.b64decode(text.encode("ascii"))
