"""The handlers that a task's class may define: ``on_success``, ``on_failure`` and the like.

Called by the executor. What a handler raises is logged, and changes nothing of the outcome.
"""

import logging
from collections.abc import Callable
from typing import Any

from sedano.execution.exception_info import ExceptionInfo
from sedano.execution.outcome import Failed, Outcome, Retried, Succeeded
from sedano.states import FAILURE, SUCCESS
from sedano.tasks.request import Context
from sedano.tasks.task import Task

logger = logging.getLogger("sedano.task")


def entry(task: Task[..., Any]) -> Callable[..., Any]:
    """What to call to run a task: its function, unless its class wraps it in a ``__call__`` of its own."""
    return task.run if type(task).__call__ is Task.__call__ else task


def before_start(task: Task[..., Any], request: Context) -> None:
    """Tell the task that it begins."""
    if _has_own(task, "before_start"):
        _call(task, "before_start", request.id, request.args, request.kwargs)


def after_run(task: Task[..., Any], request: Context, outcome: Outcome) -> None:
    """Tell the task how it ended."""
    call = (request.id, request.args, request.kwargs)
    match outcome:
        case Succeeded(value=value):
            if _has_own(task, "on_success"):
                _call(task, "on_success", value, *call)
            if _has_own(task, "after_return"):
                _call(task, "after_return", SUCCESS, value, *call, None)
        case Failed(error=error, traceback=text):
            info = ExceptionInfo(error, text)
            if _has_own(task, "on_failure"):
                _call(task, "on_failure", error, *call, info)
            if _has_own(task, "after_return"):
                _call(task, "after_return", FAILURE, error, *call, info)
        case Retried(retry=retry, traceback=text) if _has_own(task, "on_retry"):
            _call(task, "on_retry", retry.exc or retry, *call, ExceptionInfo(retry, text))
        case _:
            pass


def _has_own(task: Task[..., Any], handler: str) -> bool:
    return getattr(type(task), handler) is not getattr(Task, handler)


def _call(task: Task[..., Any], handler: str, *args: Any) -> None:
    try:
        getattr(task, handler)(*args)
    except Exception:
        logger.exception("%s of task %s raised; its outcome stays as it is", handler, task.name)
