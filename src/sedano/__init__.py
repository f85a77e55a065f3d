"""Sedano: a task queue for Django and Python, with Celery's API and wire protocol."""

from sedano import exceptions, signals, states
from sedano.app import Sedano
from sedano.current import current_app, current_task, shared_task
from sedano.log import get_task_logger
from sedano.results.async_result import AsyncResult
from sedano.tasks.task import Task

__version__ = "0.1.0"

Celery = Sedano

__all__ = [
    "AsyncResult",
    "Celery",
    "Sedano",
    "Task",
    "current_app",
    "current_task",
    "exceptions",
    "get_task_logger",
    "shared_task",
    "signals",
    "states",
]
