"""What became of one run of a task, as values."""

from typing import Any, TypeAlias

import msgspec

from sedano import states
from sedano.errors import Ignore, Reject, Retry, TaskCrashed, TaskRevoked


class Succeeded(msgspec.Struct, frozen=True):
    """The function returned."""

    value: Any


class Failed(msgspec.Struct, frozen=True):
    """The function raised, or its result could not be written."""

    error: BaseException
    #: The traceback as text, from the user's function down.
    traceback: str


class Crashed(msgspec.Struct, frozen=True):
    """The processes that ran the task died, once too often."""

    error: TaskCrashed


class Revoked(msgspec.Struct, frozen=True):
    """The task is not run."""

    error: TaskRevoked


class Retried(msgspec.Struct, frozen=True):
    """The task is to run again; its next message is among the request's follow-ups."""

    retry: Retry
    traceback: str


class Ignored(msgspec.Struct, frozen=True):
    """The task wants no state of it to be kept."""

    #: What it raised.
    error: Ignore = Ignore()


class Replaced(msgspec.Struct, frozen=True):
    """Another call has taken the task's place; its messages are among the request's follow-ups."""

    #: What ``Task.replace`` raised.
    error: Ignore = Ignore()


class Rejected(msgspec.Struct, frozen=True):
    """The task refuses its message."""

    reason: object
    requeue: bool


Outcome: TypeAlias = Succeeded | Failed | Crashed | Revoked | Retried | Ignored | Replaced | Rejected


def state_of(outcome: Outcome) -> tuple[str, Any]:
    """The state that an outcome leads to, and what goes with it: the value, or what was raised."""
    match outcome:
        case Succeeded(value=value):
            return states.SUCCESS, value
        case Failed(error=error) | Crashed(error=error):
            return states.FAILURE, error
        case Revoked(error=revoked):
            return states.REVOKED, revoked
        case Retried(retry=retry):
            return states.RETRY, retry
        case Ignored(error=ignored) | Replaced(error=ignored):
            return states.IGNORED, ignored
        case Rejected(reason=reason, requeue=requeue):
            return states.REJECTED, Reject(reason, requeue)
