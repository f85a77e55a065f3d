"""What became of one run of a task, as values."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from sedano import states
from sedano.errors import Retry


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The function returned."""

    value: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """The function raised, or its result could not be written."""

    error: BaseException
    #: The traceback as text, from the user's function down.
    traceback: str


@dataclass(frozen=True, slots=True)
class Retried:
    """The task is to run again; its next message is among the request's follow-ups."""

    retry: Retry
    traceback: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """The task wants no state of it to be kept."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The task refuses its message."""

    reason: object
    requeue: bool


Outcome: TypeAlias = Succeeded | Failed | Retried | Ignored | Rejected


def state_of(outcome: Outcome) -> tuple[str, Any]:
    """The state that an outcome leads to, and what goes with it: the value, or what was raised."""
    match outcome:
        case Succeeded(value=value):
            return states.SUCCESS, value
        case Failed(error=error):
            return states.FAILURE, error
        case Retried(retry=retry):
            return states.RETRY, retry
        case Ignored():
            return states.IGNORED, None
        case Rejected(reason=reason):
            return states.REJECTED, reason
