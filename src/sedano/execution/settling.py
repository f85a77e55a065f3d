"""From an outcome to a settlement: which result to store, which message to publish, what becomes of this one.

Called by the executor. Pure: reads settings and the clock, touches no broker and no store.
"""

import os
import traceback as tracebacks
from typing import Any

from sedano.brokers.settlement import Bury, Finish, Record, Requeue, Settlement
from sedano.errors import NotSerializable, Reject, TaskCrashed, TaskRevoked
from sedano.execution.attempt import Attempt
from sedano.execution.host import Host
from sedano.execution.outcome import (
    Crashed,
    Failed,
    Ignored,
    Outcome,
    Rejected,
    Retried,
    Revoked,
    Succeeded,
)
from sedano.results import celery_meta
from sedano.results.result_write import ResultWrite
from sedano.results.task_meta import MetaOrigin, TaskMeta


class Settling:
    """Makes settlements for one application's tasks."""

    def __init__(self, app: Host) -> None:
        self._app = app

    def settlement(self, attempt: Attempt, outcome: Outcome) -> tuple[Settlement, Outcome]:
        """How to settle; and the outcome itself, which is a failure where the result cannot be written."""
        if isinstance(outcome, Succeeded):
            try:
                result = self._success(attempt, outcome.value)
            except (NotSerializable, RecursionError) as error:
                outcome = Failed(error, "".join(tracebacks.format_exception(error)))
            else:
                return self._finish(attempt, result), outcome
        match outcome:
            case Failed():
                return self._finish(attempt, self._failure(attempt, outcome)), outcome
            case Crashed(error=crash):
                return self._bury(attempt, f"TaskCrashed: {crash}", crash), outcome
            case Revoked(error=revoked):
                return self._finish(attempt, self._revocation(attempt, revoked)), outcome
            case Retried():
                return self._finish(attempt, self._retry(attempt, outcome)), outcome
            case Rejected():
                return self._reject(attempt, outcome), outcome
            case Ignored():
                return self._finish(attempt, None), outcome

    def failure_of(self, task_id: str, error: Exception) -> ResultWrite | None:
        """The result of a message that could not even be read."""
        if self._app.results is None:
            return None
        return self._write(TaskMeta.failed(task_id, error, finished_at=self._app.clock.now()))

    def started(self, attempt: Attempt, node: str | None) -> Record:
        """The function is about to run, in this process."""
        meta = TaskMeta.started(attempt.request.id or "", pid=os.getpid(), hostname=node)
        return self._record(attempt, meta)

    def custom(self, attempt: Attempt, state: str, value: Any) -> Record:
        """A state of the task's own, such as PROGRESS."""
        meta = TaskMeta.custom(attempt.request.id or "", state, value, **self._origin(attempt))
        return self._record(attempt, meta)

    # -- what happens to the message

    def _finish(self, attempt: Attempt, result: ResultWrite | None) -> Settlement:
        follow_ups = tuple(attempt.request.follow_ups)
        if attempt.job.acknowledged:
            return Record(None, result=result, follow_ups=follow_ups)
        return Finish(attempt.job.delivery.tag, result=result, follow_ups=follow_ups)

    def _reject(self, attempt: Attempt, outcome: Rejected) -> Settlement:
        job = attempt.job
        if outcome.requeue:
            # With early acknowledgement there is no message left to put back; Celery does nothing either.
            return Record(None) if job.acknowledged else Requeue(job.delivery.tag)
        return self._bury(attempt, f"Reject: {outcome.reason}", Reject(outcome.reason, False))

    def _bury(self, attempt: Attempt, reason: str, error: Exception) -> Settlement:
        result = self._failure(attempt, Failed(error, ""))
        if attempt.job.acknowledged:
            return Record(None, result=result)
        crashed = isinstance(error, TaskCrashed)
        return Bury(attempt.job.delivery.tag, reason=reason, crashed=crashed, result=result)

    def _record(self, attempt: Attempt, meta: TaskMeta) -> Record:
        result = None if self._is_ignored(attempt) else self._write(meta)
        return Record(None if attempt.job.acknowledged else attempt.job.delivery.tag, result=result)

    # -- what is stored

    def _success(self, attempt: Attempt, value: Any) -> ResultWrite | None:
        if self._is_ignored(attempt):
            return None
        now = self._app.clock.now()
        return self._write(
            TaskMeta.succeeded(attempt.request.id or "", value, finished_at=now, **self._origin(attempt))
        )

    def _failure(self, attempt: Attempt, outcome: Failed) -> ResultWrite | None:
        if self._is_ignored(attempt) and not attempt.task.store_errors_even_if_ignored:
            return None
        if self._app.results is None:
            return None
        return self._write(
            TaskMeta.failed(
                attempt.request.id or "",
                outcome.error,
                finished_at=self._app.clock.now(),
                traceback=outcome.traceback or None,
                **self._origin(attempt),
            )
        )

    def _revocation(self, attempt: Attempt, error: TaskRevoked) -> ResultWrite | None:
        if self._is_ignored(attempt):
            return None
        now = self._app.clock.now()
        return self._write(
            TaskMeta.revoked(attempt.request.id or "", error, finished_at=now, **self._origin(attempt))
        )

    def _retry(self, attempt: Attempt, outcome: Retried) -> ResultWrite | None:
        if self._is_ignored(attempt):
            return None
        return self._write(
            TaskMeta.retried(
                attempt.request.id or "",
                outcome.retry.exc,
                traceback=outcome.traceback or None,
                **self._origin(attempt),
            )
        )

    def _is_ignored(self, attempt: Attempt) -> bool:
        if self._app.results is None:
            return True
        ignored = attempt.request.ignore_result
        return attempt.task.ignore_result if ignored is None else ignored

    def _origin(self, attempt: Attempt) -> MetaOrigin:
        request = attempt.request
        origin = MetaOrigin(parent_id=request.parent_id, group_id=request.group)
        if request._children:
            origin["children"] = [child.as_tuple() for child in request._children]
        if self._app.settings.results.extended:
            origin |= MetaOrigin(
                name=request.task,
                args=request.args,
                kwargs=request.kwargs,
                worker=request.hostname,
                retries=request.retries,
                queue=request.queue,
            )
        return origin

    def _write(self, meta: TaskMeta) -> ResultWrite:
        return celery_meta.to_write(meta, self._app.settings.results, now=self._app.clock.timestamp())
