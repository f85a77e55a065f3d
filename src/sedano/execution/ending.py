"""How a task ended that did not run to an end of its own: killed, crashed once too often, expired, revoked.

Decided by the node; told to the task's handlers and signals, and to the workflow around it, by a child,
through the executor. ``ChordComplete`` is no end of the task, but of the chord whose last member it was.
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
    #: The message's count of crashes says so already.
    counted: bool = False


class Expired(msgspec.Struct, frozen=True, array_like=True, tag="expired", gc=False):
    """It was not started in time, and does not run."""


class Revoked(msgspec.Struct, frozen=True, array_like=True, tag="revoked", gc=False):
    """It was revoked while it waited, and does not run."""


class ChordComplete(msgspec.Struct, frozen=True, array_like=True, tag="chord complete", gc=False):
    """It was the last of a chord's members to end, and is settled but for its message: the body follows."""

    #: More than one only where the task's end was that of members of several chords.
    group_ids: tuple[str, ...]
    #: Why the message is to be buried when the chord has been ended; None removes it.
    burial: str | None = None
    #: Why the body cannot run although all members have ended: the processes that were to start it died.
    failure: str | None = None


TaskEnding = TimedOut | Crashed | Expired | Revoked
Ending = TaskEnding | ChordComplete

#: How long handlers may take that are told of an ending, where the task has no limit of its own. Seconds.
TIME_TO_TELL: Final = 60.0
#: How long a child may take to read what the members of a chord returned, and to write the body. Seconds.
TIME_TO_JOIN: Final = 300.0


def error_of(ending: TaskEnding) -> SedanoError:
    """The ending as the error that is stored and shown."""
    match ending:
        case TimedOut(limit=limit):
            return TimeLimitExceeded(limit)
        case Crashed(reason=reason):
            return TaskCrashed(reason)
        case Expired():
            return TaskRevoked("expired")
        case Revoked():
            return TaskRevoked("revoked")
