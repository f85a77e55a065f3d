"""``import celery.app.registry``."""

from sedano.errors import TaskNotRegistered as NotRegistered
from sedano.tasks.registry import TaskRegistry

__all__ = ["NotRegistered", "TaskRegistry"]
