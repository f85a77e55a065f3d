"""Runs a task in the calling process: ``Task.apply``, and everything under ``task_always_eager``.

Composed into the application. Retries are run at once, without their delays, and so is what follows from the
task. Publishes nothing.
"""

import traceback
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sedano import announced, ids
from sedano.errors import Retry
from sedano.execution import handlers, task_signals
from sedano.execution.eager_following import EagerFollowing
from sedano.execution.host import Host
from sedano.execution.invoke import call, call_async
from sedano.execution.outcome import Failed, Outcome, Rejected, Replaced, Retried, Succeeded, state_of
from sedano.loops import steps
from sedano.loops.steps import Blocking, Steps
from sedano.message.task_message import TaskMessage
from sedano.results import celery_meta
from sedano.results.eager_result import EagerResult
from sedano.results.task_meta import TaskMeta
from sedano.tasks.options import TaskOptions
from sedano.tasks.request import Context, current_request
from sedano.tasks.retrying import NextAttempt
from sedano.tasks.task import Task


class EagerRunner:
    """Runs one application's tasks here and now."""

    def __init__(self, app: Host) -> None:
        self._app = app
        self._following = EagerFollowing(app)

    def run(
        self,
        task: Task[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        options: TaskOptions,
        *,
        throw: bool | None = None,
    ) -> EagerResult[Any]:
        """Run a task to its end, retries included, and say what became of it.

        Args:
            task: The task to run.
            args: Its positional arguments.
            kwargs: Its keyword arguments.
            options: How it was called; ``retries`` and ``task_id`` of the first attempt among them.
            throw: Raise what the task raised; None leaves it to ``task_eager_propagates``.
        """
        return steps.run(self.steps(task, args, kwargs, options, throw=throw))

    def steps(
        self,
        task: Task[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        options: TaskOptions,
        *,
        throw: bool | None = None,
    ) -> Steps[EagerResult[Any]]:
        """``run`` in steps, for an event loop as well: a coroutine task runs on the loop that takes them."""
        task_signals.attach(self._app.announcer)
        task_id, retries = options.task_id or ids.task_id(), options.retries
        while True:
            request = self._request(task, task_id, args, kwargs, retries, options)
            attempt = self._attempt(task, request)
            if task.is_coroutine:
                outcome = yield from attempt
            else:
                # All of it: handlers may take as long as the function, and belong into the same thread.
                outcome = yield Blocking(partial(steps.run, attempt), self._app.run_blocking)
            following = outcome.retry.sig if isinstance(outcome, Retried) else None
            if not isinstance(following, NextAttempt):
                break
            args, kwargs, options = following.args, following.kwargs, following.options
            retries = options.retries
        if isinstance(outcome, Replaced):
            outcome = yield from _run_replacement(request)
        else:
            # What replaces a task has taken its callbacks over.
            yield from self._following.run(request, outcome)
        state, value = state_of(outcome)
        yield Blocking(partial(self._store, task, task_id, outcome), self._app.run_blocking)
        propagate = self._app.settings.tasks.eager_propagates if throw is None else throw
        if propagate and isinstance(outcome, Failed):
            raise outcome.error
        if isinstance(value, Retry):
            value = value.exc
        text = outcome.traceback if isinstance(outcome, Failed | Retried) else None
        return EagerResult(task_id, value, state, text, task.name, request._children or ())

    def _request(
        self,
        task: Task[..., Any],
        task_id: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        retries: int,
        options: TaskOptions,
    ) -> Context:
        outer = current_request.get()
        message = TaskMessage(
            id=task_id,
            task=task.name,
            args=args,
            kwargs=dict(kwargs),
            retries=retries,
            root_id=options.root_id or (outer.root_id if outer is not None else None) or task_id,
            parent_id=options.parent_id or (outer.id if outer is not None else None),
            headers=dict(options.headers or {}),
            shadow=options.shadow,
            ignore_result=task.ignore_result if options.ignore_result is None else options.ignore_result,
            time_limit=options.time_limit or task.time_limit,
            soft_time_limit=options.soft_time_limit or task.soft_time_limit,
            callbacks=options.link,
            errbacks=options.link_error,
            chain=options.chain,
            group=options.group_id,
            group_index=options.group_index,
            replaced_task_nesting=options.replaced_task_nesting,
            stamped_headers=options.stamped_headers,
            stamps=dict(options.stamps or {}),
        )
        return Context.from_message(
            message, task, queue=options.queue or "", hostname=ids.hostname(), is_eager=True
        )

    def _attempt(self, task: Task[..., Any], request: Context) -> Steps[Outcome]:
        announcer = self._app.announcer
        token = current_request.set(request)
        try:
            announcer.announce(announced.TaskStarted(task, request))
            outcome: Outcome
            if task.is_coroutine:
                outcome = yield call_async(task, request)
            else:
                outcome = call(task, request)
            handlers.ended(task, request, outcome)
            match outcome:
                case Succeeded(value=value):
                    announcer.announce(announced.TaskSucceeded(task, request, value, 0.0))
                case Failed(error=error, traceback=text):
                    announcer.announce(announced.TaskFailed(task, request, error, text, 0.0))
                case Retried(retry=retry, traceback=text):
                    announcer.announce(announced.TaskRetried(task, request, retry, text))
                case Rejected(reason=reason, requeue=requeue):
                    announcer.announce(announced.TaskRejected(task, request, reason, requeue))
            handlers.returned(task, request, outcome)
            announcer.announce(announced.TaskFinished(task, request, *state_of(outcome)))
        finally:
            current_request.reset(token)
        return outcome

    def _store(self, task: Task[..., Any], task_id: str, outcome: Outcome) -> None:
        """Store the result where ``store_eager_result`` asks for it."""
        if not task.store_eager_result or task.ignore_result or self._app.results is None:
            return
        now = self._app.clock.now()
        match outcome:
            case Succeeded(value=value):
                meta = TaskMeta.succeeded(task_id, value, finished_at=now)
            case Failed(error=error, traceback=text):
                meta = TaskMeta.failed(task_id, error, finished_at=now, traceback=text)
            case _:
                return
        write = celery_meta.to_write(meta, self._app.settings.results, now=self._app.clock.timestamp())
        self._app.results.put([write])


def _run_replacement(request: Context) -> Steps[Outcome]:
    """Run what has taken a task's place; its outcome is the task's."""
    token = current_request.set(request)
    try:
        result = yield from request._replacement._eager_steps()
        return Succeeded(result.get(disable_sync_subtasks=False))
    except Exception as error:
        return Failed(error, "".join(traceback.format_exception(error)))
    finally:
        current_request.reset(token)
