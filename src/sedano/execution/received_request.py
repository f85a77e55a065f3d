"""What ``task_received`` brings: a call of a task that is about to begin, with Celery's attributes.

Made for receivers only.
"""

import os
from datetime import datetime
from functools import cached_property
from typing import Any

from sedano.brokers.delivery import Delivery
from sedano.execution.message_view import MessageView
from sedano.message.wire_time import parse_time
from sedano.tasks.request import Context
from sedano.tasks.task import Task
from sedano.tasks.worker_view import WorkerView


class ReceivedRequest:
    """The message, its task, and the fields of the request that the task will see."""

    def __init__(
        self, worker: WorkerView, task: Task[..., Any], context: Context, delivery: Delivery
    ) -> None:
        self._context = context
        self._delivery = delivery
        self.app = worker.app
        self.hostname = worker.hostname
        self.task = task
        self.id = self.task_id = context.id
        self.name = self.task_name = self.type = context.task
        self.time_limits = [context.time_limit, context.soft_time_limit]
        self.worker_pid = os.getpid()
        self.content_type = delivery.envelope.content_type
        self.content_encoding = delivery.envelope.content_encoding
        self.body = delivery.envelope.body

    @cached_property
    def message(self) -> MessageView:
        """The message."""
        return MessageView(self._delivery)

    @cached_property
    def request_dict(self) -> dict[str, Any]:
        """The call's fields by name."""
        return self._context.as_dict()

    @property
    def eta(self) -> datetime | None:
        """When it was due."""
        return parse_time(self._context.eta) if self._context.eta else None

    @property
    def expires(self) -> datetime | None:
        """Until when it had to begin."""
        return parse_time(self._context.expires) if self._context.expires else None

    def info(self, safe: bool = False) -> dict[str, Any]:
        """What Celery tells of a request, by name.

        Args:
            safe: Show the arguments as texts.
        """
        context = self._context
        return {
            "id": self.id,
            "name": self.name,
            "type": self.type,
            "args": context.argsrepr if safe else context.args,
            "kwargs": context.kwargsrepr if safe else context.kwargs,
            "hostname": self.hostname,
            "time_start": None,
            "acknowledged": False,
            "delivery_info": context.delivery_info,
            "worker_pid": self.worker_pid,
        }

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(self._context, name):
            raise AttributeError(f"The request that task_received brings has no attribute {name!r}.")
        return getattr(self._context, name)

    def __repr__(self) -> str:
        return f"<Request: {self.name}[{self.id}]>"
