"""A clock that stands still until a test turns it.

For tests of everything that takes a ``sedano.clock.Clock``. Never sleeps.
"""

from datetime import UTC, datetime
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

    def __init__(self, start: float = _START) -> None:
        self._timestamp = start
        self._monotonic = 1000.0

    def timestamp(self) -> float:
        return self._timestamp

    def monotonic(self) -> float:
        return self._monotonic

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._timestamp, UTC)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._timestamp += seconds
        self._monotonic += seconds

    def set_wall_time(self, timestamp: float) -> None:
        """Set the wall clock, as an administrator or a time server would; ``monotonic`` goes on as it was."""
        self._timestamp = timestamp
