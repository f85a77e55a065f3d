"""Running a call again: ``Task.retry`` and automatic retries.

Called by tasks and by the executor. Never publishes: in a worker the next attempt becomes a follow-up of the
running one, so that the two are settled in one step.
"""

import random
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from sedano.brokers.publication import Publication
from sedano.errors import Ignore, MaxRetriesExceeded, Reject, Retry
from sedano.message.task_message import TaskMessage
from sedano.tasks.options import TaskOptions
from sedano.tasks.request import Context

if TYPE_CHECKING:
    from sedano.tasks.task import Task


class NextAttempt(msgspec.Struct, frozen=True):
    """The call that the next attempt is: ``Retry.sig``. What an eager run goes on with."""

    task: str
    args: Any
    kwargs: Mapping[str, Any]
    options: TaskOptions


def retry(
    task: "Task[..., Any]",
    args: Any,
    kwargs: Mapping[str, Any] | None,
    *,
    exc: BaseException | None,
    throw: bool,
    eta: datetime | None,
    countdown: float | None,
    max_retries: int | None,
    options: Mapping[str, Any],
) -> Retry:
    """See ``Task.retry``."""
    request = task.request
    if max_retries is not None:
        request._max_retries = max_retries
    if request.called_directly:
        _raise_in_context(exc or Retry("called directly, so nothing runs it again", None))
    if eta is None and countdown is None:
        countdown = task.default_retry_delay
    args, kwargs = _arguments(task, request, args, kwargs)
    allowed = task.max_retries if max_retries is None else max_retries
    if allowed is not None and request.retries + 1 > allowed:
        if exc is not None:
            _raise_in_context(exc)
        raise MaxRetriesExceeded(
            # Celery's words, which log filters know.
            f"Can't retry {task.name}[{request.id}] args:{tuple(args)} kwargs:{kwargs}",
            task_args=tuple(args),
            task_kwargs=kwargs,
        )
    call = TaskOptions.from_call({**options, "eta": eta, "countdown": countdown})
    attempt = NextAttempt(task.name, args, kwargs, _inherited(request, call, args, kwargs))
    outcome = Retry(exc=exc, when=eta or countdown, is_eager=request.is_eager, sig=attempt)
    if not request.is_eager:
        request.follow_ups.append(_publication(task, request, attempt))
    if throw:
        raise outcome
    return outcome


def wants_autoretry(task: "Task[..., Any]", exc: BaseException) -> bool:
    """Whether what a task raised makes it run again by itself: ``autoretry_for``."""
    return (
        bool(task.autoretry_for)
        and isinstance(exc, tuple(task.autoretry_for))
        and not isinstance(exc, (Ignore, Retry, Reject, *task.dont_autoretry_for))
    )


def autoretry(task: "Task[..., Any]", exc: BaseException) -> NoReturn:
    """Retry because of ``autoretry_for``. To be called while ``exc`` is being handled.

    Raises:
        Retry: the task runs again.
        BaseException: ``exc`` itself: there are no retries left.
    """
    options = dict(task.retry_kwargs)
    request = task.request
    if task.retry_backoff:
        options["countdown"] = autoretry_countdown(task, request)
        options.pop("eta", None)
    if request._max_retries is not None:
        options["max_retries"] = request._max_retries
    raise task.retry(exc=exc, **options)


def autoretry_countdown(task: "Task[..., Any]", request: Context) -> int:
    """Seconds until an automatic retry with ``retry_backoff``: doubled each time, drawn anew with jitter."""
    factor = int(max(1.0, float(task.retry_backoff)))
    countdown: int = min(int(task.retry_backoff_max), factor << min(request.retries, 64))
    if task.retry_jitter:
        countdown = random.randrange(countdown + 1)
    return max(0, countdown)


def _arguments(
    task: "Task[..., Any]", request: Context, args: Any, kwargs: Mapping[str, Any] | None
) -> tuple[Any, dict[str, Any]]:
    """The arguments of the next attempt: the old ones, less what the new ones replace."""
    old_args, old_kwargs = request.args or (), request.kwargs or {}
    if args is None and kwargs is None:
        return old_args, old_kwargs
    signature = task.call_signature
    if args is None:
        new = signature.with_new_arguments(old_args, old_kwargs, kwargs or {})
    elif kwargs is None:
        new = args, signature.without_replaced(args, old_kwargs)
    else:
        new = args, dict(kwargs)
    if task.typing:
        signature.check(*new)
    return new


def _inherited(request: Context, call: TaskOptions, args: Any, kwargs: Mapping[str, Any]) -> TaskOptions:
    """The next attempt's options: the call to ``retry`` over what this attempt had."""
    info = request.delivery_info or {}
    kept = TaskOptions(
        task_id=request.id,
        root_id=request.root_id,
        parent_id=request.parent_id,
        queue=request.queue,
        priority=info.get("priority"),
        expires=request.expires,
        time_limit=request.time_limit,
        soft_time_limit=request.soft_time_limit,
        ignore_result=request.ignore_result,
        headers=request.headers,
        shadow=request.shadow,
        # Secrets stay hidden; what is new is shown as it is.
        argsrepr=request.argsrepr if args is request.args else None,
        kwargsrepr=request.kwargsrepr if kwargs is request.kwargs else None,
        reply_to=request.reply_to,
        link=request.callbacks,
        link_error=request.errbacks,
        chain=request.chain,
        chord=request.chord,
        group_id=request.group,
        group_index=request.group_index,
        replaced_task_nesting=request.replaced_task_nesting,
        stamped_headers=request.stamped_headers,
        stamps=request.stamps,
    )
    return msgspec.structs.replace(call.over(kept), retries=request.retries + 1)


def _publication(task: "Task[..., Any]", request: Context, attempt: NextAttempt) -> Publication:
    """The next attempt as a message: in all that the user did not change, this one's."""
    options = attempt.options
    message = TaskMessage(
        id=options.task_id or "",
        task=request.task or task.name,
        args=attempt.args,
        kwargs=dict(attempt.kwargs),
        callbacks=options.link,
        errbacks=options.link_error,
        chain=options.chain,
        chord=options.chord,
        shadow=options.shadow,
        argsrepr=options.argsrepr,
        kwargsrepr=options.kwargsrepr,
        group=options.group_id,
        group_index=options.group_index,
        retries=options.retries,
        time_limit=options.time_limit,
        soft_time_limit=options.soft_time_limit,
        root_id=options.root_id,
        parent_id=options.parent_id,
        origin=request.origin,
        ignore_result=options.ignore_result,
        replaced_task_nesting=options.replaced_task_nesting,
        stamped_headers=options.stamped_headers,
        stamps=dict(options.stamps or {}),
        headers=dict(options.headers or {}),
        reply_to=options.reply_to,
        correlation_id=request.correlation_id,
        priority=options.priority or 0,
    )
    return task.app.publisher.prepare_again(message, options, task, came_from=request.queue)


def _raise_in_context(exc: BaseException) -> NoReturn:
    """Raise an error because of the one that is being handled, if there is one."""
    handled = sys.exc_info()[1]
    if handled is None or handled is exc:
        raise exc
    raise exc from handled
