"""``import celery.app``."""

from typing import Final

from sedano import Celery, shared_task
from sedano.compat.current_names import app_or_default

__all__ = ["Celery", "app_or_default", "shared_task"]

_INNER: Final = "It belongs to Celery's inner works."
_STACK: Final = "The running task is known by its request. In tests, call the task: task(), or task.apply()."
_TRACE: Final = "There is nothing to be traced: applications are handed over, not looked up."

_REFUSED: Final = {
    "AppPickler": "Applications are not pickled. Import them where they are needed.",
    "amqp": f"{_INNER} Queues are named by task_routes and by queue=.",
    "annotations": f"{_INNER} The setting is task_annotations.",
    "autoretry": f"{_INNER} Give autoretry_for to the task.",
    "backends": f"{_INNER} The setting is result_backend.",
    "bugreport": "Run `sedano -A proj report`.",
    "builtins": _INNER,
    "control": "This version has no remote control. `sedano status` shows the workers.",
    "default_app": "Use celery.current_app.",
    "defaults": f"{_INNER} Read a setting from app.conf.",
    "disable_trace": _TRACE,
    "enable_trace": _TRACE,
    "events": "This version sends no events.",
    "pop_current_task": _STACK,
    "push_current_task": _STACK,
    "routes": f"{_INNER} The setting is task_routes.",
    "trace": f"{_INNER} Signals tell what happens to a task.",
    "utils": f"{_INNER} Read a setting from app.conf.",
}
