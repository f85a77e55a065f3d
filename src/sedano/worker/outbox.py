"""A child's reports on their way to the parent: gathered, and never kept longer than 10 ms.

Filled by the child's main thread; emptied by it at the end of a frame, and by a thread of the outbox's own
while a frame of several jobs is being worked on (so that a job that turns out long does not hold back what
was done before it).
"""

import threading
import time
from typing import Final

from sedano.execution.executed import Executed
from sedano.worker import frames
from sedano.worker.channel import Channel

#: How long a finished job may wait to be reported: what a killed child had done since runs again. Seconds.
LONGEST_WAIT: Final = 0.010


class Outbox:
    """Reports of one channel. Thread-safe."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._lock = threading.Lock()  # guards _gathered and the channel: reports keep their order
        self._gathered: list[Executed] = []
        self._outgrown = False
        self._needed = threading.Event()
        self._flusher: threading.Thread | None = None

    def add(self, executed: Executed) -> None:
        """Gather one; goes out with the next flush."""
        with self._lock:
            self._gathered.append(executed)

    def send_now(self, executed: Executed) -> None:
        """Report one at once, after those gathered before."""
        self.add(executed)
        self.flush()

    def mark_outgrown(self) -> None:
        """The next report says that this child has outgrown its memory limit."""
        self._outgrown = True

    def flush(self) -> None:
        """Report what was gathered."""
        with self._lock:
            if self._gathered:
                gathered, self._gathered = self._gathered, []
                self._channel.send(frames.encode(frames.Report(gathered, self._outgrown)))

    def start_frame(self, jobs: int) -> None:
        """A frame begins: with several jobs, see to it that reports go out while they are done."""
        if jobs < 2:
            return
        if self._flusher is None:
            self._flusher = threading.Thread(target=self._flush_often, name="sedano-outbox", daemon=True)
            self._flusher.start()
        self._needed.set()

    def end_frame(self) -> None:
        """The frame is done, or the rest of it was recalled."""
        self._needed.clear()
        self.flush()

    def _flush_often(self) -> None:
        while True:
            self._needed.wait()
            time.sleep(LONGEST_WAIT / 2)
            try:
                self.flush()
            except OSError:
                return  # the parent is gone, and the main thread will see it
