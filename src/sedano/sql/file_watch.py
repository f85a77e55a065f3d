"""Tells when another process wrote to a file, so that waiting for a commit needs no polling.

Used by the SQLite lease and result store on the database's write-ahead log. Never reads the file.
"""

import contextlib
import sys
from pathlib import Path
from typing import Protocol


class FileWatch(Protocol):
    """A watch on one file, which may vanish and come back. Owned by one thread, but for ``wake``.

    It may report too much, and it may miss a write: whoever waits looks by himself now and then.
    """

    def wait(self, timeout: float) -> bool:
        """Sleep until the file may have been written to, ``wake`` is called, or ``timeout`` seconds passed.

        Returns:
            False if only the time passed.
        """

    def wake(self) -> None:
        """End the current ``wait``, or the next one. From any thread; after ``close`` it does nothing."""

    def close(self) -> None:
        """Give the file descriptors back. Idempotent."""


def watch_file(path: Path) -> FileWatch:
    """The best watch that this system has."""
    # Imported here because each of these modules exists on some systems only.
    if sys.platform == "linux":
        from sedano.sql.inotify_watch import InotifyWatch

        # Fails when this user's limit of inotify instances is reached, or a sandbox forbids them.
        with contextlib.suppress(OSError):
            return InotifyWatch(path)
    elif sys.platform != "win32":
        from sedano.sql.kqueue_watch import KqueueWatch

        return KqueueWatch(path)
    from sedano.sql.polling_watch import PollingWatch

    return PollingWatch()
