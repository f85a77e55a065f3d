"""``import celery.app.task``."""

from typing import Final

from sedano import Task
from sedano.tasks.request import Context

BaseTask = Task

__all__ = ["BaseTask", "Context", "Task"]

_REFUSED: Final = {
    "TaskType": "The class of task classes is `type`.",
}
