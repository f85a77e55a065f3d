"""Seconds in words, for tables."""

from typing import Final

_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"))


def spoken(seconds: float | None) -> str:
    """A length of time, roughly, as people say it.

    >>> spoken(0.04), spoken(42.3), spoken(150), spoken(7_300), spoken(None)
    ('0 s', '42 s', '2.5 min', '2 h', '-')
    """
    if seconds is None:
        return "-"
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{seconds / length:.1f}".removesuffix(".0") + f" {unit}"
    return f"{max(seconds, 0):.0f} s"
