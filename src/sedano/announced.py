"""What is announced of tasks, once each, by the code that does it: ``Announcer`` carries these values.

Subscribers: log lines (``monitoring.log_lines``), Celery's signals (``monitoring.task_signals``).
"""

from dataclasses import dataclass
from typing import Any

from sedano.tasks.request import Context
from sedano.tasks.task import Task


@dataclass(frozen=True, slots=True)
class TaskStarted:
    """A task's function is about to be called."""

    task: Task[..., Any]
    request: Context


@dataclass(frozen=True, slots=True)
class TaskSucceeded:
    task: Task[..., Any]
    request: Context
    result: Any
    #: Seconds.
    runtime: float


@dataclass(frozen=True, slots=True)
class TaskFailed:
    task: Task[..., Any]
    request: Context
    error: BaseException
    traceback: str
    runtime: float


@dataclass(frozen=True, slots=True)
class TaskRetried:
    task: Task[..., Any]
    request: Context
    #: The ``Retry`` it raised.
    reason: BaseException
    traceback: str


@dataclass(frozen=True, slots=True)
class TaskRejected:
    task: Task[..., Any]
    request: Context
    reason: object
    requeue: bool


@dataclass(frozen=True, slots=True)
class TaskIgnored:
    task: Task[..., Any]
    request: Context


@dataclass(frozen=True, slots=True)
class TaskFinished:
    """After any end of a run: what it returned or raised, and its state."""

    task: Task[..., Any]
    request: Context
    state: str
    retval: Any


@dataclass(frozen=True, slots=True)
class MessageRefused:
    """A message could not be read, and is buried."""

    task_id: str
    task: str
    error: BaseException
