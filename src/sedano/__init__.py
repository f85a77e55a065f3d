"""Sedano: a task queue for Django and Python, with Celery's API and wire protocol."""

from sedano import exceptions, signals, states
from sedano.app import Sedano
from sedano.canvas import (
    Signature,
    chain,
    chord,
    chunks,
    group,
    maybe_signature,
    signature,
    subtask,
    xmap,
    xstarmap,
)
from sedano.compat.install import install_as_celery
from sedano.current import current_app, current_task, shared_task
from sedano.ids import task_id as uuid
from sedano.log import get_task_logger
from sedano.queues.binding import Binding
from sedano.queues.broadcast import Broadcast
from sedano.queues.exchange import Exchange
from sedano.queues.queue import Queue
from sedano.results.async_result import AsyncResult
from sedano.results.eager_result import EagerResult
from sedano.results.group_result import GroupResult
from sedano.results.result_set import ResultSet
from sedano.tasks.task import Task

__version__ = "0.1.0"

Celery = Sedano

__all__ = [
    "AsyncResult",
    "Binding",
    "Broadcast",
    "Celery",
    "EagerResult",
    "Exchange",
    "GroupResult",
    "Queue",
    "ResultSet",
    "Sedano",
    "Signature",
    "Task",
    "chain",
    "chord",
    "chunks",
    "current_app",
    "current_task",
    "exceptions",
    "get_task_logger",
    "group",
    "install_as_celery",
    "maybe_signature",
    "shared_task",
    "signals",
    "signature",
    "states",
    "subtask",
    "uuid",
    "xmap",
    "xstarmap",
]
