"""Short, safe texts of arguments, for logs and monitors.

Called when a message is encoded (``argsrepr`` and ``kwargsrepr``) and by whatever shows arguments. Never
raises and never writes more than it was asked for, whatever the objects' own ``__repr__`` do.
"""

from collections.abc import Iterable
from typing import Any, Final

#: Celery's limit for ``argsrepr`` and ``kwargsrepr``.
MAX_LENGTH: Final = 1024
#: How deep containers are shown. Celery: ``task_repr_maxlevels``.
MAX_LEVELS: Final = 3

_ELLIPSIS: Final = "..."
#: What ends a container of which not all is shown; room is kept for it.
_MORE: Final = ", ..."
#: However many levels are asked for: the painter calls itself once a level.
_DEEPEST: Final = 50
#: Integers of more bits are shown by their size: writing out a huge one takes quadratic time, or fails.
_LONGEST_INTEGER: Final = 2048
#: What ``repr`` shows in few characters.
_SHORT: Final = frozenset({float, bool, type(None)})


def represent(value: object, *, max_length: int = MAX_LENGTH, max_levels: int = MAX_LEVELS) -> str:
    """The ``repr`` of a value, cut to a length and a depth. ``max_levels`` 0 means as deep as can be.

    >>> represent((1, "text", {"deep": [[[1]]]}))
    "(1, 'text', {'deep': [...]})"
    >>> represent(["x" * 100], max_length=30)
    "['xxxxxxxxxxxxxxxxxx'...]"
    """
    try:
        if _is_flat_and_short(value):
            text = repr(value)
        else:
            levels = min(max_levels or _DEEPEST, _DEEPEST)
            text = _Painter(max_length, levels).paint(value, 0)
    except Exception as error:  # a container of the user's, or one that changes while we look
        text = _unrepresentable(value, error)
    if not text.isascii():
        # A repr of the user's may hold half a surrogate pair, which no encoding can write.
        text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    if len(text) > max_length:
        text = text[: max(max_length - len(_ELLIPSIS), 0)] + _ELLIPSIS
    return text


def _is_flat_and_short(value: object) -> bool:
    """Whether it is as most calls are: a few small values. Then plain ``repr`` is right."""
    kind = type(value)
    if kind is tuple:
        items = value
    elif kind is dict:
        items = (*value, *value.values())  # type: ignore[attr-defined, misc]
    else:
        return False
    if len(items) > 16:  # type: ignore[arg-type]
        return False
    for item in items:  # type: ignore[attr-defined]
        kind = type(item)
        if kind is int:
            if item.bit_length() > 64:
                return False
        elif kind is str:
            if len(item) > 50:
                return False
        elif kind not in _SHORT:
            return False
    return True


class _Painter:
    """Writes one value, within a length that it uses up on the way."""

    __slots__ = ("_left", "_max_levels")

    def __init__(self, max_length: int, max_levels: int) -> None:
        self._left = max_length
        self._max_levels = max_levels

    def paint(self, value: Any, level: int) -> str:
        if isinstance(value, str | bytes | bytearray):
            return self._paint_text(value)
        if isinstance(value, dict):
            return self._paint_container(value, "{", "}", level)
        if isinstance(value, list):
            return self._paint_container(value, "[", "]", level)
        if isinstance(value, tuple):
            return self._paint_container(value, "(", ",)" if len(value) == 1 else ")", level)
        if isinstance(value, set | frozenset) and value:
            name = type(value).__name__
            opening, closing = ("{", "}") if name == "set" else (name + "({", "})")
            return self._paint_container(value, opening, closing, level)
        if isinstance(value, int) and value.bit_length() > _LONGEST_INTEGER:
            return self._spend(f"<integer of {value.bit_length()} bits>")
        return self._paint_object(value)

    def _paint_container(self, value: Iterable[Any], opening: str, closing: str, level: int) -> str:
        """A container: as many items as there is room for."""
        if level >= self._max_levels:
            return self._spend(opening + _ELLIPSIS + closing)
        self._left -= len(opening) + len(closing) + len(_MORE)
        shown: list[str] = []
        for item in value.items() if isinstance(value, dict) else value:
            if self._left <= 0:
                shown.append(_ELLIPSIS)
                break
            if isinstance(value, dict):
                key, item = item
                shown.append(f"{self.paint(key, level + 1)}: {self.paint(item, level + 1)}")
                self._left -= len(": ")
            else:
                shown.append(self.paint(item, level + 1))
            self._left -= len(", ")
        else:
            self._left += len(_MORE)
        return opening + ", ".join(shown) + closing

    def _paint_text(self, value: str | bytes | bytearray) -> str:
        """A text as a literal, cut where the room ends."""
        room = max(self._left - 2 - len(_ELLIPSIS), 0)
        literal = repr(value[: room + 1])
        if len(value) <= room and len(literal) <= self._left:
            return self._spend(literal)
        return self._spend(literal[:-1][: room + 1] + literal[-1] + _ELLIPSIS)

    def _paint_object(self, value: object) -> str:
        try:
            text = repr(value)
        except Exception as error:
            text = _unrepresentable(value, error)
        if len(text) > self._left:
            text = text[: max(self._left - len(_ELLIPSIS), 0)] + _ELLIPSIS
        return self._spend(text)

    def _spend(self, text: str) -> str:
        self._left -= len(text)
        return text


def _unrepresentable(value: object, error: Exception) -> str:
    return f"<{type(value).__name__} whose repr fails with {type(error).__name__}>"
