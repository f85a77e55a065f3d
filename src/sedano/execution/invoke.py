"""The call of the user's function, and the one place where its exceptions become outcomes.

Called by the executor and the eager runner. Nothing below this raises for what a task did.
"""

import asyncio
import traceback
from datetime import datetime
from typing import Any

from sedano import errors
from sedano.errors import Ignore, Reject, Retry, SoftTimeLimitExceeded, TimeLimitExceeded
from sedano.execution.handlers import before_start, entry
from sedano.execution.limits import HardLimitPassed, Limits
from sedano.execution.outcome import Failed, Ignored, Outcome, Rejected, Replaced, Retried, Succeeded
from sedano.tasks import retrying
from sedano.tasks.request import Context
from sedano.tasks.task import Task


def call(
    task: Task[..., Any],
    request: Context,
    *,
    limits: Limits | None = None,
    soft_seconds: float | None = None,
    hard_seconds: float | None = None,
) -> Outcome:
    """Run the function of a task; under limits if there is something that keeps them."""
    if limits is None or (soft_seconds is None and hard_seconds is None):
        try:
            before_start(task, request)
            return Succeeded(entry(task)(*request.args, **request.kwargs))
        except BaseException as error:
            return outcome_of(task, request, error)
    try:
        limits.arm(soft_seconds, hard_seconds)
        try:
            before_start(task, request)
            return Succeeded(entry(task)(*request.args, **request.kwargs))
        finally:
            limits.disarm()
    except HardLimitPassed as error:
        limits.disarm()
        return _failed(TimeLimitExceeded(hard_seconds).with_traceback(error.__traceback__))
    except BaseException as error:
        # Once more: a limit that passed at the very end may have interrupted ``disarm`` itself.
        limits.disarm()
        return outcome_of(task, request, error)


async def call_async(
    task: Task[..., Any],
    request: Context,
    *,
    soft_seconds: float | None = None,
    hard_seconds: float | None = None,
) -> Outcome:
    """Run the coroutine function of a task. A limit that passes cancels it: it may clean up."""
    soft = asyncio.timeout(soft_seconds)
    hard = asyncio.timeout(hard_seconds)
    try:
        async with hard, soft:
            before_start(task, request)
            return Succeeded(await entry(task)(*request.args, **request.kwargs))
    except TimeoutError as error:
        if hard.expired():
            return _failed(TimeLimitExceeded(hard_seconds))
        if soft.expired():
            return outcome_of(task, request, SoftTimeLimitExceeded().with_traceback(error.__traceback__))
        return outcome_of(task, request, error)
    except BaseException as error:
        return outcome_of(task, request, error)


def outcome_of(task: Task[..., Any], request: Context, error: BaseException) -> Outcome:
    """What an exception says of the run. SystemExit fails a task like any other: the child lives on."""
    match error:
        case Retry():
            return _retried(task, request, error)
        case errors.Replaced():
            return Replaced(error)
        case Ignore():
            return Ignored(error)
        case Reject():
            return Rejected(error.reason, error.requeue)
        case Exception() if retrying.wants_autoretry(task, error):
            try:
                retrying.autoretry(task, error)
            except Retry as retry:
                return _retried(task, request, retry)
            except Exception as final:
                return _failed(final)
    return _failed(error)


def _retried(task: Task[..., Any], request: Context, retry: Retry) -> Outcome:
    by_hand = not isinstance(retry.sig, retrying.NextAttempt)
    if by_hand and not request.is_eager and all(one.task_id != request.id for one in request.follow_ups):
        # Raised by hand rather than by Task.retry: the task still expects to run again.
        try:
            _retry_by_hand(task, retry)
        except Exception as error:
            return _failed(error)
    return Retried(retry, _text_of(retry.exc if retry.exc is not None else retry))


def _retry_by_hand(task: Task[..., Any], retry: Retry) -> None:
    moment = retry.when if isinstance(retry.when, datetime) else None
    seconds = retry.when if isinstance(retry.when, int | float) else None
    retrying.retry(
        task,
        None,
        None,
        exc=retry.exc if isinstance(retry.exc, Exception) else None,
        throw=False,
        eta=moment,
        countdown=seconds,
        max_retries=None,
        options={},
    )


def _failed(error: BaseException) -> Failed:
    return Failed(error, _text_of(error))


def _text_of(error: BaseException) -> str:
    start = error.__traceback__
    # The first frame is this module's: the reader wants their own.
    while start is not None and start.tb_frame.f_code.co_filename == __file__:
        start = start.tb_next
    return "".join(traceback.format_exception(type(error), error, start))
