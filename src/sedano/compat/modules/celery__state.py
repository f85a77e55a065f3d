"""``import celery._state``: not public, but used by projects all the same."""

from typing import Final

from sedano import current_app, current_task
from sedano.compat.current_names import (
    app_or_default,
    connect_on_app_finalize,
    get_current_worker_task,
    set_default_app,
)
from sedano.current import get_current_app, get_current_task
from sedano.result import task_join_will_block

__all__ = [
    "app_or_default",
    "connect_on_app_finalize",
    "current_app",
    "current_task",
    "get_current_app",
    "get_current_task",
    "get_current_worker_task",
    "set_default_app",
    "task_join_will_block",
]

_JOINING: Final = "Use allow_join_result and denied_join_result of celery.result."
_STACK: Final = "The running task is known by its request. In tests, call the task: task(), or task.apply()."

_REFUSED: Final = {
    "_set_task_join_will_block": _JOINING,
    "_task_join_will_block": _JOINING,
    "_task_stack": _STACK,
    "default_app": "Use current_app.",
    "disable_trace": "There is nothing to be traced: applications are handed over, not looked up.",
    "enable_trace": "There is nothing to be traced: applications are handed over, not looked up.",
    "pop_current_task": _STACK,
    "push_current_task": _STACK,
}
