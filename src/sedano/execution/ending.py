"""How a task ended that did not run to an end of its own: killed, crashed once too often, or expired.

Decided by the node; told to the task's handlers and signals by a child, through the executor.
"""

from typing import Final

import msgspec

from sedano.errors import SedanoError, TaskCrashed, TaskRevoked, TimeLimitExceeded


class TimedOut(msgspec.Struct, frozen=True, array_like=True, tag="timed out", gc=False):
    """It was killed at its hard time limit."""

    #: Seconds.
    limit: float


class Crashed(msgspec.Struct, frozen=True, array_like=True, tag="crashed", gc=False):
    """Its processes died under it, once too often: its message is buried."""

    reason: str


class Expired(msgspec.Struct, frozen=True, array_like=True, tag="expired", gc=False):
    """It was not started in time, and does not run."""


Ending = TimedOut | Crashed | Expired

#: How long handlers may take that are told of an ending, where the task has no limit of its own. Seconds.
TIME_TO_TELL: Final = 60.0


def error_of(ending: Ending) -> SedanoError:
    """The ending as the error that is stored and shown."""
    match ending:
        case TimedOut(limit=limit):
            return TimeLimitExceeded(limit)
        case Crashed(reason=reason):
            return TaskCrashed(reason)
        case Expired():
            return TaskRevoked("expired")
