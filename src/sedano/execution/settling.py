"""From an outcome to a settlement: what to store, which messages to publish, what becomes of this one.

Called by the executor. Reads settings and the clock, touches no broker; the store only where a chord follows.
"""

import logging
import os
import traceback as tracebacks
from collections.abc import Sequence
from typing import Any, Final

from sedano.brokers.crash_attempts import crash_delay
from sedano.brokers.delivery import Delivery
from sedano.brokers.settlement import Bury, Finish, Record, Requeue, Settlement
from sedano.errors import (
    Ignore,
    NotSerializable,
    Reject,
    ResultStoreUnavailable,
    TaskCrashed,
    TaskRevoked,
    TimeLimitExceeded,
)
from sedano.execution import ending as endings
from sedano.execution.attempt import Attempt
from sedano.execution.consequences import Consequences, Following, carries_workflow
from sedano.execution.host import Host
from sedano.execution.membership import Membership
from sedano.execution.never_run import Failure
from sedano.execution.outcome import (
    Crashed,
    Failed,
    Ignored,
    Outcome,
    Rejected,
    Replaced,
    Retried,
    Revoked,
    Succeeded,
)
from sedano.results import celery_meta
from sedano.results.group_store import WorkflowChange
from sedano.results.result_write import ResultWrite
from sedano.results.task_meta import MetaOrigin, TaskMeta
from sedano.tasks.acknowledging import acks_on_failure, acks_on_timeout
from sedano.tasks.request import Context

logger = logging.getLogger("sedano.worker.task")

NOTHING: Final = Following([], [], [])


class Settling:
    """Makes settlements for one application's tasks."""

    def __init__(self, app: Host) -> None:
        self._app = app
        self._consequences = Consequences(app)

    def settlement(self, attempt: Attempt, outcome: Outcome) -> tuple[Settlement, Outcome]:
        """How to settle; and the outcome itself, which is a failure where the result cannot be written.

        Raises:
            ResultStoreUnavailable: a chord that follows could not be begun.
        """
        has_followers = carries_workflow(attempt.request)
        following = NOTHING
        if isinstance(outcome, Succeeded):
            try:
                if has_followers:
                    following = self._consequences.of_success(attempt.request, outcome.value)
                result = self._success(attempt, outcome.value)
            except ResultStoreUnavailable:
                raise
            except (NotSerializable, RecursionError) as error:
                outcome = _failed(error)
            except Exception as error:
                # What follows is no call that could be published: a signature that somebody else has sent.
                logger.exception("What follows task %s cannot be published", attempt.request.id)
                outcome = _failed(error)
            else:
                return self._finish(attempt, result, following), outcome
        if has_followers:
            following = self._after_failure(attempt, outcome)
        match outcome:
            case Failed():
                return self._after_error(attempt, outcome, following), outcome
            case Crashed(error=crash):
                return self._bury(attempt, f"TaskCrashed: {crash}", crash, following), outcome
            case Revoked(error=revoked):
                return self._finish(attempt, self._revocation(attempt, revoked), following), outcome
            case Retried():
                return self._finish(attempt, self._retry(attempt, outcome)), outcome
            case Rejected():
                return self._reject(attempt, outcome, following), outcome
            case Ignored():
                return self._finish(attempt, None, following), outcome
            case Replaced():
                return self._finish(attempt, None), outcome

    def burial(self, attempt: Attempt, error: Exception) -> Settlement:
        """The task could not be brought to an end: what surrounds it failed."""
        outcome = _failed(error)
        following = self._after_failure(attempt, outcome) if carries_workflow(attempt.request) else NOTHING
        return self._bury(attempt, f"{type(error).__name__}: {error}", error, following)

    def told_before(self, attempt: Attempt, members: Sequence[Membership]) -> Settlement:
        """The task has run, and chords have counted it: they are told once more, in case it was the last."""
        expires_at = self._consequences.never_run.parts_expire_at()
        parts = [member.part(expires_at=expires_at) for member in members]
        return self._finish(attempt, None, Following([], [], parts))

    def failure_of(self, delivery: Delivery, error: Exception) -> ResultWrite | None:
        """The result of a message that could not even be read."""
        if self._app.results is None or not delivery.task_id:
            return None
        meta = TaskMeta.failed(delivery.task_id, error, finished_at=self._app.clock.now())
        return self._write(meta, delivery.envelope.reply_to, delivery.envelope.correlation_id)

    def started(self, attempt: Attempt, node: str | None) -> Record:
        """The function is about to run, in this process."""
        origin = self._origin(attempt)
        meta = TaskMeta.started(attempt.request.id or "", pid=os.getpid(), hostname=node, **origin)
        return self._record(attempt, meta)

    def custom(self, attempt: Attempt, state: str, value: Any) -> Record:
        """A state of the task's own, such as PROGRESS."""
        meta = TaskMeta.custom(attempt.request.id or "", state, value, **self._origin(attempt))
        return self._record(attempt, meta)

    # -- what follows

    def _after_failure(self, attempt: Attempt, outcome: Outcome) -> Following:
        request, silent = attempt.request, attempt.job.silent
        match outcome:
            case Failed(error=error, traceback=text):
                failure = Failure(error, text or None)
            case Crashed(error=crash):
                failure = Failure(crash)
            case Revoked(error=revoked):
                # As with Celery, errbacks are not for what was never run.
                return self._consequences.of_failure(request, Failure(revoked), errbacks=False)
            case Rejected(reason=reason, requeue=requeue) if not requeue or attempt.job.acknowledged:
                failure = Failure(Reject(reason, requeue))
            case Ignored(error=ignored):
                error = ignored if ignored.args else Ignore(f"{request.task} ignores how it ended")
                return self._consequences.of_failure(request, Failure(error), errbacks=False)
            case _:
                return NOTHING
        return self._consequences.of_failure(request, failure, silent=silent)

    # -- what happens to the message

    def _finish(
        self, attempt: Attempt, result: ResultWrite | None, following: Following = NOTHING
    ) -> Settlement:
        request, workflow = attempt.request, None
        follow_ups = tuple(request.follow_ups)
        if following is not NOTHING or request._extensions:
            follow_ups += tuple(following.publications)
            workflow = _change(request, following)
        if attempt.job.acknowledged:
            return Record(None, result=result, follow_ups=follow_ups, workflow=workflow)
        return Finish(attempt.job.delivery.tag, result=result, follow_ups=follow_ups, workflow=workflow)

    def _after_error(self, attempt: Attempt, outcome: Failed, following: Following) -> Settlement:
        error, job = outcome.error, attempt.job
        is_timeout = isinstance(error, TimeLimitExceeded)
        is_done = acks_on_timeout(attempt.task) if is_timeout else acks_on_failure(attempt.task)
        if job.acknowledged or is_done:
            return self._finish(attempt, self._failure(attempt, outcome), following)
        if is_timeout:
            # As after a crash: with a pause, and not for ever. It is no end: nobody is told but its handlers.
            due = self._app.clock.timestamp() + crash_delay(job.delivery.crashes + 1)
            result = self._failure(attempt, outcome)
            return Requeue(job.delivery.tag, due=due, crashed=True, result=result)
        reason = f"{type(error).__name__}: {error}"
        return self._bury(attempt, reason, error, following, outcome.traceback)

    def _reject(self, attempt: Attempt, outcome: Rejected, following: Following) -> Settlement:
        job = attempt.job
        if not outcome.requeue:
            error = Reject(outcome.reason, False)
            return self._bury(attempt, f"Reject: {outcome.reason}", error, following)
        if job.acknowledged:
            # There is no message left to put back; Celery does nothing either.
            return self._finish(attempt, None, following)
        return Requeue(job.delivery.tag)

    def _bury(
        self, attempt: Attempt, reason: str, error: BaseException, following: Following, text: str = ""
    ) -> Settlement:
        result = self._failure(attempt, Failed(error, text))
        follow_ups = (*attempt.request.follow_ups, *following.publications)
        workflow = _change(attempt.request, following)
        if attempt.job.acknowledged:
            return Record(None, result=result, follow_ups=follow_ups, workflow=workflow)
        return Bury(
            attempt.job.delivery.tag,
            reason=reason,
            crashed=isinstance(error, TaskCrashed) and not _is_counted(attempt.job.ending),
            result=result,
            follow_ups=follow_ups,
            workflow=workflow,
        )

    def _record(self, attempt: Attempt, meta: TaskMeta) -> Record:
        result = None if self._is_ignored(attempt) else self._write_for(attempt, meta)
        return Record(None if attempt.job.acknowledged else attempt.job.delivery.tag, result=result)

    # -- what is stored

    def _success(self, attempt: Attempt, value: Any) -> ResultWrite | None:
        if self._is_ignored(attempt):
            return None
        now = self._app.clock.now()
        return self._write_for(
            attempt,
            TaskMeta.succeeded(attempt.request.id or "", value, finished_at=now, **self._origin(attempt)),
        )

    def _failure(self, attempt: Attempt, outcome: Failed) -> ResultWrite | None:
        if self._is_ignored(attempt) and not attempt.task.store_errors_even_if_ignored:
            return None
        if self._app.results is None:
            return None
        return self._write_for(
            attempt,
            TaskMeta.failed(
                attempt.request.id or "",
                outcome.error,
                finished_at=self._app.clock.now(),
                traceback=outcome.traceback or None,
                **self._origin(attempt),
            ),
        )

    def _revocation(self, attempt: Attempt, error: TaskRevoked) -> ResultWrite | None:
        if self._is_ignored(attempt):
            return None
        now = self._app.clock.now()
        return self._write_for(
            attempt,
            TaskMeta.revoked(attempt.request.id or "", error, finished_at=now, **self._origin(attempt)),
        )

    def _retry(self, attempt: Attempt, outcome: Retried) -> ResultWrite | None:
        if self._is_ignored(attempt):
            return None
        return self._write_for(
            attempt,
            TaskMeta.retried(
                attempt.request.id or "",
                outcome.retry.exc,
                traceback=outcome.traceback or None,
                **self._origin(attempt),
            ),
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
                # Celery's word for it; where the message came through an exchange, it is no queue's name.
                queue=(request.delivery_info or {}).get("routing_key"),
                stamped_headers=request.stamped_headers,
                stamps=request.stamps,
            )
        return origin

    def _write(self, meta: TaskMeta, reply_to: str | None, correlation_id: str | None) -> ResultWrite:
        return celery_meta.to_write(
            meta,
            self._app.settings.results,
            now=self._app.clock.timestamp(),
            reply_to=reply_to,
            correlation_id=correlation_id,
        )

    def _write_for(self, attempt: Attempt, meta: TaskMeta) -> ResultWrite:
        return self._write(meta, attempt.request.reply_to, attempt.request.correlation_id)


def _change(request: Context, following: Following) -> WorkflowChange | None:
    if not following.results and not following.parts and not request._extensions:
        return None
    return WorkflowChange(
        tuple(following.results), tuple(following.parts), extensions=tuple(request._extensions)
    )


def _failed(error: Exception) -> Failed:
    return Failed(error, "".join(tracebacks.format_exception(error)))


def _is_counted(ending: endings.Ending | None) -> bool:
    return isinstance(ending, endings.Crashed) and ending.counted
