"""Notes for the parent's loop, left by signal handlers and other threads; a byte in a pipe wakes the loop."""

import contextlib
import os
import signal
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Wakeup(Generic[T]):
    """A queue of notes with a file descriptor to select on. Leaving a note is safe in a signal handler."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._notes: deque[T] = deque()
        self._hears_signals = False

    def fileno(self) -> int:
        return self._reader

    def leave(self, note: T) -> None:
        """Append a note and wake the loop. Takes no lock, does no I/O that blocks."""
        self._notes.append(note)
        self.ring()

    def ring(self) -> None:
        """Wake the loop without a note."""
        # A full pipe wakes the loop as well as one more byte would.
        with contextlib.suppress(BlockingIOError):
            os.write(self._writer, b"\0")

    def take(self) -> list[T]:
        """The notes so far; empties the pipe first, so that none is overlooked."""
        with contextlib.suppress(BlockingIOError):
            while len(os.read(self._reader, 4096)) == 4096:
                pass
        notes: list[T] = []
        while self._notes:
            notes.append(self._notes.popleft())
        return notes

    def on_signals(self, numbers: list[int], note: Callable[[int], T]) -> None:
        """From now on, each of these signals leaves a note and wakes the loop. Only from the main thread.

        The handlers alone would not do: Python runs them between two steps of the main thread's code. A
        signal that comes after the last step before ``select``, or that the kernel hands to another thread,
        would wait until something else ends the ``select``. The interpreter's own byte in the pipe ends it.
        """
        self._hears_signals = True
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in numbers:
            signal.signal(number, lambda n, frame: self.leave(note(n)))

    def close(self) -> None:
        if self._hears_signals:
            signal.set_wakeup_fd(-1)
        os.close(self._reader)
        os.close(self._writer)
