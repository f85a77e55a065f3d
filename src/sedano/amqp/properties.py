"""The head of a message: its properties, and its headers among them, to bytes and back.

Used by ``frames`` and ``brokers.amqp.message``, for every message. py-amqp's does the same in twice the time,
which is half of what a message costs in all. Whatever is rare is left to py-amqp.
"""

import contextlib
import struct
from collections.abc import Iterator, Mapping
from struct import Struct
from typing import Any, Final

from amqp.basic_message import Message
from amqp.exceptions import FrameSyntaxError
from amqp.serialization import loads

#: Property -> its flag and its kind: a short text, a table, an octet, a large number.
_PROPERTIES: Final = tuple(
    (name, 1 << (15 - place), kind) for place, (name, kind) in enumerate(Message.PROPERTIES)
)
_SHORT, _TABLE, _OCTET = "s", "F", "o"
_LONGEST_SHORT: Final = 255
#: More names than anybody uses; should somebody make them up, we do not keep them all.
_MOST_NAMES: Final = 1000

_text: Final = Struct(">cI").pack
_number: Final = Struct(">ci").pack
_large_number: Final = Struct(">cq").pack
_real: Final = Struct(">cd").pack
_length: Final = Struct(">I")
_flags: Final = Struct(">H")
_long: Final = Struct(">Q")
_read_number: Final = Struct(">i").unpack_from
_read_large_number: Final = Struct(">q").unpack_from
_read_real: Final = Struct(">d").unpack_from

#: What reading it ends in.
_DAMAGED: Final = (struct.error, IndexError, ValueError)

#: Names of headers are few.
_written_names: dict[str, bytes] = {}
_read_names: dict[bytes, str] = {}


# -- writing


def write_properties(properties: Mapping[str, Any]) -> bytes:
    """What stands in a message's header frame, behind its size.

    Raises:
        ValueError, struct.error: AMQP cannot say it.
    """
    flags = 0
    parts: list[bytes] = [b""]
    for name, flag, kind in _PROPERTIES:
        value = properties.get(name)
        if value is None:
            continue
        flags |= flag
        if kind == _SHORT:
            text = _bytes(value)
            parts += (bytes((len(text),)), text)
        elif kind == _TABLE:
            _write_table(value, parts)
        elif kind == _OCTET:
            parts.append(bytes((value,)))
        else:
            parts.append(_long.pack(value))
    parts[0] = _flags.pack(flags)
    return b"".join(parts)


def _write_table(table: Mapping[str, Any], parts: list[bytes]) -> None:
    place = len(parts)
    parts.append(b"")
    for name, value in table.items():
        parts.append(_written_names.get(name) or _write_name(name))
        _write_value(value, parts)
    parts[place] = _length.pack(sum(map(len, parts[place + 1 :])))


def _write_name(name: str) -> bytes:
    text = _bytes(name)
    written = bytes((len(text),)) + text
    if len(_written_names) < _MOST_NAMES:
        _written_names[name] = written
    return written


def _write_value(value: Any, parts: list[bytes]) -> None:
    kind = type(value)
    if kind is str:
        text = _bytes(value)
        parts += (_text(b"S", len(text)), text)
    elif value is None:
        parts.append(b"V")
    elif kind is int:
        near = -0x7FFFFFFF <= value <= 0x7FFFFFFF
        parts.append(_number(b"I", value) if near else _large_number(b"L", value))
    elif kind is bool:
        parts.append(b"t\1" if value else b"t\0")
    elif kind is float:
        parts.append(_real(b"d", value))
    elif kind is list or kind is tuple:
        parts.append(b"A")
        place = len(parts)
        parts.append(b"")
        for one in value:
            _write_value(one, parts)
        parts[place] = _length.pack(sum(map(len, parts[place + 1 :])))
    elif kind is dict:
        parts.append(b"F")
        _write_table(value, parts)
    elif kind is bytes:
        parts += (_text(b"S", len(value)), value)
    else:
        raise FrameSyntaxError(f"a header of the type {kind.__name__}")


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:  # halves of surrogate pairs
        return text.encode("utf-8", "surrogatepass")


# -- reading


class _Rare(Exception):
    """A kind of value that py-amqp reads."""


class Headers(Mapping[str, Any]):
    """A table in a frame, read when somebody asks: for the first entry, the others are not.

    A table that is damaged is empty. Compares with any mapping.

    Args:
        frame: The table's entries are in it from ``place`` to ``end``.
    """

    __slots__ = ("_end", "_frame", "_place", "_table")

    def __init__(self, frame: bytes, place: int, end: int) -> None:
        self._frame = frame
        self._place = place
        self._end = end
        self._table: dict[str, Any] | None = None

    @property
    def is_read(self) -> bool:
        """Whether somebody has asked for more than the first entry."""
        return self._table is not None

    def get(self, name: str, default: Any = None) -> Any:
        """As a dictionary's."""
        frame, place = self._frame, self._place
        if self._table is None and place < self._end:
            after = place + 1 + frame[place]
            if frame[place + 1 : after] == _bytes(name):
                with contextlib.suppress(_Rare, *_DAMAGED):
                    return _read_value(frame, after)[0]
        return self._read().get(name, default)

    def _read(self) -> dict[str, Any]:
        if self._table is None:
            self._table = self._read_all()
        return self._table

    def _read_all(self) -> dict[str, Any]:
        try:
            return _read_table(self._frame, self._place, self._end)
        except _Rare:
            pass
        except _DAMAGED:
            return {}
        try:
            # With the size in front.
            found: dict[str, Any] = loads("F", self._frame, self._place - _length.size)[0][0]
        except (FrameSyntaxError, *_DAMAGED):
            return {}
        return found

    def __getitem__(self, name: str) -> Any:
        return self._read()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def __bool__(self) -> bool:
        return self._place < self._end

    def __repr__(self) -> str:
        return repr(self._read())


def read_properties(frame: bytes, start: int) -> dict[str, Any]:
    """The reverse, of a header frame. Headers are a ``Headers``.

    Raises:
        struct.error, IndexError: It is damaged.
    """
    (flags,) = _flags.unpack_from(frame, start)
    place = start + 2
    found: dict[str, Any] = {}
    for name, flag, kind in _PROPERTIES:
        if not flags & flag:
            continue
        if kind == _SHORT:
            end = place + 1 + frame[place]
            found[name] = _str(frame[place + 1 : end])
        elif kind == _TABLE:
            end = place + _length.size + _length.unpack_from(frame, place)[0]
            found[name] = Headers(frame, place + _length.size, end)
        elif kind == _OCTET:
            end = place + 1
            found[name] = frame[place]
        else:
            end = place + 8
            found[name] = _long.unpack_from(frame, place)[0]
        place = end
    return found


def _read_table(frame: bytes, place: int, end: int) -> dict[str, Any]:
    table: dict[str, Any] = {}
    while place < end:
        after = place + 1 + frame[place]
        raw = frame[place + 1 : after]
        name = _read_names.get(raw) or _read_name(raw)
        table[name], place = _read_value(frame, after)
    return table


def _read_name(raw: bytes) -> str:
    name: str = _str(raw)
    if len(_read_names) < _MOST_NAMES:
        _read_names[raw] = name
    return name


def _read_value(frame: bytes, place: int) -> tuple[Any, int]:
    kind = frame[place]
    if kind == 0x53:  # S
        end = place + 5 + _length.unpack_from(frame, place + 1)[0]
        return _str(frame[place + 5 : end]), end
    if kind == 0x56:  # V
        return None, place + 1
    if kind == 0x49:  # I
        return _read_number(frame, place + 1)[0], place + 5
    if kind == 0x74:  # t
        return frame[place + 1] != 0, place + 2
    if kind == 0x64:  # d
        return _read_real(frame, place + 1)[0], place + 9
    if kind in (0x4C, 0x6C):  # L, l
        return _read_large_number(frame, place + 1)[0], place + 9
    if kind == 0x46:  # F
        end = place + 5 + _length.unpack_from(frame, place + 1)[0]
        return _read_table(frame, place + 5, end), end
    if kind == 0x41:  # A
        end = place + 5 + _length.unpack_from(frame, place + 1)[0]
        place += 5
        values = []
        while place < end:
            value, place = _read_value(frame, place)
            values.append(value)
        return values, end
    raise _Rare


def _str(raw: bytes) -> Any:
    """As text, if it is any."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return raw
