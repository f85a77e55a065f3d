"""A pipe through which one thread ends another's wait on file descriptors.

Used by the file watches. Carries no content.
"""

import contextlib
import os
import threading


class WakeupPipe:
    """``fileno`` becomes readable when ``wake`` was called, until ``drain``."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._closing = threading.Lock()  # guards _closed: no byte may go into a reused descriptor
        self._closed = False

    def fileno(self) -> int:
        return self._reader

    def wake(self) -> None:
        """Make it readable. From any thread, and after ``close`` without effect."""
        with self._closing:
            # A full pipe is readable already.
            if not self._closed:
                with contextlib.suppress(BlockingIOError):
                    os.write(self._writer, b"\0")

    def drain(self) -> None:
        """Make it unreadable again."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._reader, 65536)

    def close(self) -> None:
        """Close both ends. Idempotent."""
        with self._closing:
            if not self._closed:
                self._closed = True
                os.close(self._reader)
                os.close(self._writer)

    def __del__(self) -> None:
        self.close()
