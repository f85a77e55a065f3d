"""The port through which a task's function is called under time limits, where something can interrupt it."""

from typing import Protocol

from sedano.errors import TimeLimitExceeded


class HardLimitPassed(TimeLimitExceeded):
    """Raised inside a function that can be interrupted, but not killed."""


class Limits(Protocol):
    """Fulfilled for a process's main thread by ``SoftLimit``, for its other threads by ``ThreadLimits``."""

    def arm(self, soft: float | None, hard: float | None) -> None:
        """From now on this thread's call is interrupted after so many seconds."""

    def disarm(self) -> None:
        """The call is over: nothing interrupts this thread any more. Idempotent."""
