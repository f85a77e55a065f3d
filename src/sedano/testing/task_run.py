"""What became of each task that was run in a test, heard from the application's announcements.

Used by ``idle``. Never runs anything.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from sedano import announced, states
from sedano.announcements import Announcer
from sedano.clock import Clock
from sedano.errors import Reject, Retry, TaskRevoked
from sedano.tasks.request import Context
from sedano.tasks.task import Task


@dataclass(frozen=True, slots=True)
class TaskRun:
    """One attempt of one task. A task that was retried has one for each attempt."""

    #: The registered name.
    task: str
    id: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    #: ``SUCCESS``, ``FAILURE``, ``RETRY``, ``REVOKED`` (also of what had expired), ``IGNORED``, ``REJECTED``.
    state: str = states.SUCCESS
    #: What it returned; None unless it succeeded.
    result: Any = None
    #: What it raised, or why it is to run again; None if it succeeded.
    error: BaseException | None = None
    #: How often it had been tried before.
    retries: int = 0
    queue: str = ""
    #: When it was run, by the application's clock.
    at: datetime | None = None
    #: It failed with an error that is not among those which the task ``throws``.
    is_unexpected: bool = False

    def __str__(self) -> str:
        return f"{self.task}[{self.id}]"


class _Recording(NamedTuple):
    runs: list[TaskRun]
    clock: Clock


#: Where the runs of this context go.
_recording: Final[ContextVar[_Recording | None]] = ContextVar("sedano_testing_recording", default=None)


@contextmanager
def recorded(announcer: Announcer, clock: Clock) -> Iterator[list[TaskRun]]:
    """The runs of an application's tasks in this context, in the order in which they ended."""
    for kind, hear in _HEARERS.items():
        announcer.subscribe(kind, hear, while_=_is_recording)
    recording = _Recording([], clock)
    token = _recording.set(recording)
    try:
        yield recording.runs
    finally:
        _recording.reset(token)


def _is_recording() -> bool:
    return _recording.get() is not None


def _note(
    task: Task[..., Any],
    request: Context,
    state: str,
    *,
    result: Any = None,
    error: BaseException | None = None,
) -> None:
    recording = _recording.get()
    if recording is None or request.is_eager:
        return
    run = TaskRun(
        task.name,
        request.id or "",
        tuple(request.args or ()),
        dict(request.kwargs or {}),
        state,
        result,
        error,
        request.retries,
        (request.delivery_info or {}).get("routing_key", ""),
        recording.clock.now(),
        state == states.FAILURE and not isinstance(error, task.throws),
    )
    recording.runs.append(run)


def _succeeded(event: announced.TaskSucceeded) -> None:
    _note(event.task, event.request, states.SUCCESS, result=event.result)


def _failed(event: announced.TaskFailed) -> None:
    _note(event.task, event.request, states.FAILURE, error=event.error)


def _retried(event: announced.TaskRetried) -> None:
    reason = event.reason
    error = reason.exc if isinstance(reason, Retry) and reason.exc is not None else reason
    _note(event.task, event.request, states.RETRY, error=error)


def _rejected(event: announced.TaskRejected) -> None:
    _note(event.task, event.request, states.REJECTED, error=Reject(event.reason, event.requeue))


def _ignored(event: announced.TaskIgnored) -> None:
    _note(event.task, event.request, states.IGNORED)


def _expired(event: announced.TaskExpired) -> None:
    _note(event.task, event.request, states.REVOKED, error=TaskRevoked("expired"))


def _revoked(event: announced.TaskRevoked) -> None:
    _note(event.task, event.request, states.REVOKED, error=TaskRevoked("revoked"))


def _refused(event: announced.MessageRefused) -> None:
    recording = _recording.get()
    if recording is not None:
        recording.runs.append(
            TaskRun(event.task, event.task_id, state=states.FAILURE, error=event.error, is_unexpected=True)
        )


_HEARERS: Final[dict[type[Any], Any]] = {
    announced.TaskSucceeded: _succeeded,
    announced.TaskFailed: _failed,
    announced.TaskRetried: _retried,
    announced.TaskRejected: _rejected,
    announced.TaskIgnored: _ignored,
    announced.TaskExpired: _expired,
    announced.TaskRevoked: _revoked,
    announced.MessageRefused: _refused,
}
