"""A file watch for systems that cannot watch files: it says "maybe" every few milliseconds.

Made by ``file_watch.watch_file``.
"""

import threading
from typing import Final

#: Seconds. One look at the database costs about 20 microseconds: well below one percent of a core.
_INTERVAL: Final = 0.005


class PollingWatch:
    """A ``FileWatch`` that reports a write whenever there may have been one."""

    def __init__(self) -> None:
        self._woken = threading.Event()

    def wait(self, timeout: float) -> bool:
        woken = self._woken.wait(max(0.0, min(timeout, _INTERVAL)))
        self._woken.clear()
        return woken or timeout > _INTERVAL

    def wake(self) -> None:
        self._woken.set()

    def close(self) -> None:
        """There is nothing to close."""
