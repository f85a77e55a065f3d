"""What is announced of tasks, once each, by the code that does it: ``Announcer`` carries these values.

Subscribers: log lines (``monitoring.log_lines``), Celery's signals (``monitoring.task_signals``).
"""

from typing import Any

import msgspec

from sedano.brokers.delivery import Delivery
from sedano.errors import TaskNotRegistered
from sedano.tasks.request import Context
from sedano.tasks.task import Task
from sedano.tasks.worker_view import WorkerView


class TaskStarted(msgspec.Struct, frozen=True):
    """A task's function is about to be called."""

    task: Task[..., Any]
    request: Context
    #: The message that brought it; None where no worker runs it.
    delivery: Delivery | None = None


class TaskSucceeded(msgspec.Struct, frozen=True):
    task: Task[..., Any]
    request: Context
    result: Any
    #: Seconds.
    runtime: float


class TaskFailed(msgspec.Struct, frozen=True):
    task: Task[..., Any]
    request: Context
    error: BaseException
    traceback: str
    runtime: float


class TaskRetried(msgspec.Struct, frozen=True):
    task: Task[..., Any]
    request: Context
    #: The ``Retry`` it raised.
    reason: BaseException
    traceback: str


class TaskRejected(msgspec.Struct, frozen=True):
    task: Task[..., Any]
    request: Context
    reason: object
    requeue: bool


class TaskIgnored(msgspec.Struct, frozen=True):
    task: Task[..., Any]
    request: Context


class TaskExpired(msgspec.Struct, frozen=True):
    """It was not started in time, and is not run."""

    task: Task[..., Any]
    request: Context


class TaskRevoked(msgspec.Struct, frozen=True):
    """It was revoked while it waited, and is not run."""

    task: Task[..., Any]
    request: Context


class TaskFinished(msgspec.Struct, frozen=True):
    """After any end of a run: what it returned or raised, and its state."""

    task: Task[..., Any]
    request: Context
    state: str
    retval: Any


class MessageRefused(msgspec.Struct, frozen=True):
    """A message could not be read, or what surrounds its task failed; it is buried."""

    worker: WorkerView
    delivery: Delivery
    error: BaseException
    #: The run that what surrounds it has ended; None where the message could not be run.
    run: Context | None = None

    @property
    def task(self) -> str:
        return self.delivery.task

    @property
    def task_id(self) -> str:
        return self.delivery.task_id


class MessageParked(msgspec.Struct, frozen=True):
    """No task of its name is known here."""

    worker: WorkerView
    delivery: Delivery
    error: TaskNotRegistered
