"""What is known of one task: its state, its result, and where it came from.

Made by the executor (a named constructor per state), by ``update_state`` and by reading a stored document.
Knows nothing of how it is stored: ``celery_meta`` does.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn, TypedDict

import msgspec

from sedano import states

#: A result's place in Celery's form: ``[[id, parent or None], None]``.
ResultTuple = Sequence[Any]


class MetaOrigin(TypedDict, total=False):
    """Fields that any state may carry. Those from ``name`` on are stored with ``result_extended`` only."""

    children: Sequence[ResultTuple]
    parent_id: str | None
    group_id: str | None
    name: str | None
    args: Any
    kwargs: Any
    worker: str | None
    retries: int | None
    queue: str | None
    stamped_headers: Sequence[str] | None
    stamps: Mapping[str, Any] | None


class TaskMeta(msgspec.Struct, frozen=True, kw_only=True):
    """One task as its results tell it.

    >>> TaskMeta.succeeded("1", 42, finished_at=datetime(2026, 1, 1)).status
    'SUCCESS'
    """

    task_id: str
    status: str = states.PENDING
    #: The returned value; an exception in FAILURE, RETRY and REVOKED; the user's meta in custom states.
    result: Any = None
    traceback: str | None = None
    children: Sequence[ResultTuple] = ()
    #: Set once the state is final.
    date_done: datetime | None = None
    parent_id: str | None = None
    group_id: str | None = None
    name: str | None = None
    args: Any = None
    kwargs: Any = None
    worker: str | None = None
    retries: int | None = None
    queue: str | None = None
    #: The names of the stamps that are kept, and their values.
    stamped_headers: Sequence[str] | None = None
    stamps: Mapping[str, Any] | None = None

    @classmethod
    def pending(cls, task_id: str) -> "TaskMeta":
        """Waiting, or unknown."""
        return cls(task_id=task_id)

    @classmethod
    def started(cls, task_id: str, *, pid: int, hostname: str | None, **origin: Any) -> "TaskMeta":
        """The function runs, in this process of that node."""
        result = {"pid": pid, "hostname": hostname}
        return cls(task_id=task_id, status=states.STARTED, result=result, **origin)

    @classmethod
    def succeeded(cls, task_id: str, result: Any, *, finished_at: datetime, **origin: Any) -> "TaskMeta":
        """The function has returned."""
        return cls(task_id=task_id, status=states.SUCCESS, result=result, date_done=finished_at, **origin)

    @classmethod
    def failed(
        cls,
        task_id: str,
        error: BaseException,
        *,
        finished_at: datetime,
        traceback: str | None = None,
        **origin: Any,
    ) -> "TaskMeta":
        """The task has failed for good."""
        return cls(
            task_id=task_id,
            status=states.FAILURE,
            result=error,
            traceback=traceback,
            date_done=finished_at,
            **origin,
        )

    @classmethod
    def retried(
        cls, task_id: str, error: BaseException | None, *, traceback: str | None = None, **origin: Any
    ) -> "TaskMeta":
        """The attempt failed, and there will be another."""
        return cls(task_id=task_id, status=states.RETRY, result=error, traceback=traceback, **origin)

    @classmethod
    def revoked(
        cls, task_id: str, error: BaseException, *, finished_at: datetime, **origin: Any
    ) -> "TaskMeta":
        """The task was forbidden, or had expired; ``error`` is a TaskRevoked that says which."""
        return cls(task_id=task_id, status=states.REVOKED, result=error, date_done=finished_at, **origin)

    @classmethod
    def custom(cls, task_id: str, state: str, meta: Any, **origin: Any) -> "TaskMeta":
        """A state of the user's own."""
        return cls(task_id=task_id, status=state, result=meta, **origin)

    @property
    def is_ready(self) -> bool:
        """Whether the state is final."""
        return self.status in states.READY_STATES

    def as_dict(self) -> dict[str, Any]:
        """As Celery shows it: its document, the error as an exception."""
        shown = {name: value for name, value in msgspec.structs.asdict(self).items() if value is not None}
        shown["date_done"] = self.date_done.isoformat() if self.date_done is not None else None
        shown["children"] = list(self.children)
        return {"result": None, "traceback": None, **shown}

    def throw(self) -> NoReturn:
        """Raise what the task raised."""
        error = self.result
        raise error if isinstance(error, BaseException) else RuntimeError(str(error))
