"""Sleeping until a condition that commits of other processes bring about.

Used by the SQLite lease (a message is ready) and the SQLite result store (a result is there). Never writes.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from sedano.sql.file_watch import FileWatch, watch_file
from sedano.sql.sqlite_location import SqliteLocation

#: Look by ourselves this often at least, whatever the watch says: a network file system tells of nothing.
_LONGEST_SLEEP: Final = 0.25

#: A commit is written to the log first and becomes visible a little later: in microseconds, or after a disk's
#: sync with ``synchronous=full``. So one write is followed by several looks, at these distances in seconds.
#: The first ones are not cut short by further writes: a busy writer must not keep those who wait busy too.
_FIRST_LOOKS: Final = (0.0003, 0.001, 0.001, 0.001, 0.001)
_LATER_LOOKS: Final = (0.002, 0.005, 0.01)


class CommitWait:
    """Waits for commits to one database. Owned by one thread, but for ``wake``."""

    def __init__(self, location: SqliteLocation) -> None:
        self._log = Path(f"{location.path}-wal")
        self._watch: FileWatch = watch_file(self._log)
        self._woken = False  # set by any thread in wake, cleared by the owner

    def until(self, seconds_left: Callable[[], float], timeout: float) -> bool:
        """Sleep until ``seconds_left`` is 0 or less, ``wake`` is called, or ``timeout`` seconds have passed.

        Args:
            seconds_left: Looks into the database: how long until the condition holds by itself, as far as
                is known now. Infinite if only a commit can bring it about.
            timeout: Seconds of real time.

        Returns:
            False if only the time passed.
        """
        deadline = time.monotonic() + timeout
        # Arms the watch before the first look, and clears what our own commits left in it.
        looks = self._looks_if(self._watch.wait(0))
        while not self._woken:
            left = seconds_left()
            if left <= 0:
                return True
            left = min(left, deadline - time.monotonic())
            if left <= 0:
                return False
            pause = next(looks, _LONGEST_SLEEP)
            if pause in _FIRST_LOOKS:
                time.sleep(min(pause, left))
            elif self._watch.wait(min(pause, left)):
                looks = self._looks_if(True)
        self._woken = False
        return True

    @staticmethod
    def _looks_if(written: bool) -> Iterator[float]:
        return iter(_FIRST_LOOKS + _LATER_LOOKS if written else ())

    def wake(self) -> None:
        """End the current ``until``, or the next one. From any thread."""
        self._woken = True
        self._watch.wake()

    def close(self) -> None:
        """Give the file descriptors back. Idempotent."""
        self._watch.close()
