"""How often a task may start, as users write it: Celery's ``rate_limit``.

Used by settings and tasks to read it, and handed to workers, which keep it. Never counts a start:
``brokers.turns`` does.
"""

import math
from typing import Final, TypeAlias

import msgspec

#: ``"10/m"``, a number of tasks a second, or nothing: 0 and None are no limit.
WrittenRate: TypeAlias = str | float | None

EXPECTED: Final = "a number of tasks such as '10/s', '10/m' or '10/h', or 0 (no limit)"

_UNITS: Final = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


class RateLimit(msgspec.Struct, frozen=True, array_like=True):
    """A limit that is to be kept."""

    #: From one start to the next. Seconds.
    seconds: float
    #: By all workers together; otherwise by each for itself.
    shared: bool
    #: As its user wrote it.
    written: str

    def __str__(self) -> str:
        return f"{self.written}{' (all workers together)' if self.shared else ''}"


def seconds_per_start(written: WrittenRate) -> float | None:
    """Seconds from one start to the next; None where there is no limit.

    >>> seconds_per_start("10/m"), seconds_per_start(4), seconds_per_start(0)
    (6.0, 0.25, None)

    Raises:
        ValueError, TypeError: It is no rate.
    """
    if written is None or written == "":
        return None
    if isinstance(written, bool) or not isinstance(written, str | int | float):
        raise TypeError
    number, _, unit = written.partition("/") if isinstance(written, str) else (written, "", "")
    if unit.strip() not in _UNITS:
        raise ValueError
    starts = float(number)
    if not math.isfinite(starts) or starts < 0:
        raise ValueError
    return _UNITS[unit.strip()] / starts if starts else None
