"""The handlers that a task's class may define: ``on_success``, ``on_failure`` and the like.

Called by the executor, in Celery's order: ``ended``, then the signal, then ``returned``. What they raise is
logged, and changes nothing of the outcome; but for ``before_start``, which belongs to the run.
"""

import logging
from collections.abc import Callable
from typing import Any, Final

from sedano.execution.exception_info import ExceptionInfo
from sedano.execution.outcome import Crashed, Failed, Outcome, Retried, Succeeded
from sedano.states import FAILURE, SUCCESS
from sedano.tasks.request import Context
from sedano.tasks.task import Task

logger = logging.getLogger("sedano.task")

_HANDLERS: Final = ("before_start", "on_success", "on_failure", "on_retry", "after_return")


def entry(task: Task[..., Any]) -> Callable[..., Any]:
    """What to call to run a task: its function, unless its class wraps it in a ``__call__`` of its own."""
    return task.run if type(task).__call__ is Task.__call__ else task


def before_start(task: Task[..., Any], request: Context) -> None:
    """Tell the task that it begins. What this raises, the task has raised."""
    if "before_start" in _own_handlers(type(task)):
        task.before_start(request.id or "", request.args, request.kwargs)


def ended(task: Task[..., Any], request: Context, outcome: Outcome) -> None:
    """Tell the task how it ended: ``on_success``, ``on_failure`` or ``on_retry``."""
    own = _own_handlers(type(task))
    if not own:
        return
    call = (request.id, request.args, request.kwargs)
    match outcome:
        case Succeeded(value=value) if "on_success" in own:
            _call(task, "on_success", value, *call)
        case Failed(error=error, traceback=text) if "on_failure" in own:
            _call(task, "on_failure", error, *call, ExceptionInfo(error, text))
        case Crashed(error=crash) if "on_failure" in own:
            _call(task, "on_failure", crash, *call, ExceptionInfo(crash, str(crash)))
        case Retried(retry=retry, traceback=text) if "on_retry" in own:
            _call(task, "on_retry", retry.exc or retry, *call, ExceptionInfo(retry, text))
        case _:
            pass


def returned(task: Task[..., Any], request: Context, outcome: Outcome) -> None:
    """Tell the task that it is over for good: ``after_return``."""
    if "after_return" not in _own_handlers(type(task)):
        return
    call = (request.id, request.args, request.kwargs)
    match outcome:
        case Succeeded(value=value):
            _call(task, "after_return", SUCCESS, value, *call, None)
        case Failed(error=error, traceback=text):
            _call(task, "after_return", FAILURE, error, *call, ExceptionInfo(error, text))
        case Crashed(error=crash):
            _call(task, "after_return", FAILURE, crash, *call, ExceptionInfo(crash, str(crash)))
        case _:
            pass


#: Class of tasks → the handlers that it defines itself.
_own_of: Final[dict[type, frozenset[str]]] = {}


def _own_handlers(kind: type[Task[..., Any]]) -> frozenset[str]:
    own = _own_of.get(kind)
    if own is None:
        own = frozenset(name for name in _HANDLERS if getattr(kind, name) is not getattr(Task, name))
        _own_of[kind] = own
    return own


def _call(task: Task[..., Any], handler: str, *args: Any) -> None:
    try:
        getattr(task, handler)(*args)
    except Exception:
        logger.exception("%s of task %s raised; its outcome stays as it is", handler, task.name)
