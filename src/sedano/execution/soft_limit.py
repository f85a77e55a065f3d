"""The soft time limit of the running task: an exception inside it, from a signal.

The parent of a child watches the time and sends SIGUSR1; this is the child's side. Only for the main thread.
"""

from time import monotonic
from typing import Final

from sedano.errors import SoftTimeLimitExceeded

#: The parent's watch starts when it hands a job over, ours when the function is called: the signal may be
#: a little early. Seconds.
_TOLERANCE: Final = 0.1


class SoftLimit:
    """Armed around a call; the signal raises ``SoftTimeLimitExceeded`` in it only while armed and overdue."""

    def __init__(self) -> None:
        self._deadline: float | None = None  # written by the main thread and its signal handler only

    def arm(self, soft: float | None, hard: float | None) -> None:
        """From now on, a signal after ``soft`` seconds raises. A hard limit is the parent's business."""
        if soft is not None:
            self._deadline = monotonic() + soft

    def disarm(self) -> None:
        """The call is over: a late signal does nothing."""
        self._deadline = None

    def on_signal(self, number: int, frame: object) -> None:
        """The handler of SIGUSR1."""
        deadline = self._deadline
        if deadline is not None and monotonic() >= deadline - _TOLERANCE:
            self._deadline = None
            raise SoftTimeLimitExceeded
