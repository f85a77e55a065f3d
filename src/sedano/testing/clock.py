"""A clock that stands still until a test turns it.

For tests of everything that takes a ``sedano.clock.Clock``. Never sleeps.
"""

import math
import time
from datetime import UTC, datetime, timedelta
from typing import Final

#: A Saturday without a change of daylight saving time anywhere.
_START: Final = datetime(2028, 1, 1, 12, 0, tzinfo=UTC).timestamp()


class ManualClock:
    """A ``Clock`` under the test's control.

    >>> clock = ManualClock()
    >>> before = clock.timestamp()
    >>> clock.advance(2.5)
    >>> clock.timestamp() - before
    2.5
    """

    @classmethod
    def from_present(cls) -> "ManualClock":
        """One that starts at the next whole second: near the moments that the code itself names."""
        return cls(float(math.ceil(time.time())))

    def __init__(self, start: float | datetime = _START) -> None:
        self._timestamp = start.timestamp() if isinstance(start, datetime) else start
        self._monotonic = 1000.0

    def timestamp(self) -> float:
        return self._timestamp

    def monotonic(self) -> float:
        return self._monotonic

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._timestamp, UTC)

    def advance(self, by: float | timedelta) -> None:
        """Let time pass: seconds, or a ``timedelta``."""
        seconds = by.total_seconds() if isinstance(by, timedelta) else by
        self._timestamp += seconds
        self._monotonic += seconds

    def advance_to(self, moment: float | datetime) -> None:
        """Let time pass until a moment: POSIX seconds, or an aware ``datetime``."""
        timestamp = moment.timestamp() if isinstance(moment, datetime) else moment
        self._monotonic += timestamp - self._timestamp
        self._timestamp = timestamp

    def set_wall_time(self, timestamp: float) -> None:
        """Set the wall clock, as an administrator or a time server would; ``monotonic`` goes on as it was."""
        self._timestamp = timestamp
