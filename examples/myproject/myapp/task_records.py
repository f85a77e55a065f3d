"""Keeps ``TaskResult`` rows up to date, so that the dashboard can list a visitor's tasks.

``record`` is called by views right after ``delay()``; the rest are receivers of the task queue's signals
and run in the worker.
"""

import json

from django.contrib.auth.models import User
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from myapp.models import TaskResult
from sedano import AsyncResult, states
from sedano.signals import task_postrun, task_prerun


def connect() -> None:
    """Follow every task that has a row."""
    task_prerun.connect(note_start, dispatch_uid="myapp.note_start")
    task_postrun.connect(note_end, dispatch_uid="myapp.note_end")


def record(task: AsyncResult, name: str, user: User) -> TaskResult:
    """Remember whose task this is. Call it in the transaction that publishes the task."""
    return TaskResult.objects.create(task_id=task.id, task_name=name, user=user)


def note_start(sender: object = None, task_id: str = "", **kwargs: object) -> None:
    """A run begins."""
    TaskResult.objects.filter(task_id=task_id).update(status=states.STARTED, started_at=timezone.now())


def note_end(
    sender: object = None, task_id: str = "", state: str = "", retval: object = None, **kwargs: object
) -> None:
    """A run is over."""
    TaskResult.objects.filter(task_id=task_id).update(
        status=state,
        finished_at=timezone.now(),
        result=_as_json(retval) if state == states.SUCCESS else str(retval),
    )


def _as_json(value: object) -> object:
    try:
        json.dumps(value, cls=DjangoJSONEncoder)
    except (TypeError, ValueError):
        return repr(value)
    return value
