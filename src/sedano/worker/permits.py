"""The permit pipe: who may start a job is decided by who takes its byte out of a pipe.

The parent puts one byte per job in; the child takes one out before it starts each. To recall jobs the
parent takes the bytes out itself. A byte in a pipe goes to exactly one reader, so each job is started by
the child or recalled by the parent, never both, without a lock, and even while the running task holds the
interpreter lock. The byte is the number of its frame, so a child that finds another number than the one
it is working on knows that the rest of its frame was recalled.
"""

import os


class PermitPipe:
    """Both ends, as the parent holds them; the child gets the reading end."""

    def __init__(self) -> None:
        self.reader, self._writer = os.pipe()
        # Non-blocking for both processes: they share the open file description.
        os.set_blocking(self.reader, False)
        os.set_blocking(self._writer, False)

    def grant(self, number: int, count: int) -> None:
        """Permit ``count`` jobs of frame ``number``. (A pipe holds 64 KiB; a child never has so many.)"""
        os.write(self._writer, bytes((number,)) * count)

    def recall(self) -> int:
        """Take back every permit that was not used; returns how many."""
        taken = 0
        while True:
            try:
                part = os.read(self.reader, 65536)
            except BlockingIOError:
                return taken
            if not part:
                return taken
            taken += len(part)

    def close_writer(self) -> None:
        """The child sees the end of the pipe, and leaves once idle. Idempotent."""
        if self._writer >= 0:
            os.close(self._writer)
            self._writer = -1

    def close(self) -> None:
        """Close both ends. Idempotent."""
        self.close_writer()
        if self.reader >= 0:
            os.close(self.reader)
            self.reader = -1


class PermitReader:
    """The child's end."""

    def __init__(self, reader: int) -> None:
        self._reader = reader

    def fileno(self) -> int:
        """Readable when there may be a permit, or the pipe is closed."""
        return self._reader

    def take(self) -> int | None:
        """The number of the next permitted job's frame; None if there is none now.

        Raises:
            EOFError: the parent closed the pipe, or died.
        """
        try:
            permit = os.read(self._reader, 1)
        except BlockingIOError:
            return None
        if not permit:
            raise EOFError
        return permit[0]
