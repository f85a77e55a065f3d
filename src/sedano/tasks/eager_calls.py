"""Calls under ``task_always_eager``: run here and now instead of being published.

Called by tasks. Never publishes.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from sedano import ids
from sedano.loops import steps
from sedano.loops.steps import Steps
from sedano.message.celery_v2 import encode
from sedano.message.decoding import decode
from sedano.message.task_message import TaskMessage
from sedano.tasks.options import TaskOptions

if TYPE_CHECKING:
    from sedano.results.eager_result import EagerResult
    from sedano.tasks.task import Task


def run(
    task: "Task[..., Any]", args: Sequence[Any], kwargs: Mapping[str, Any], options: TaskOptions
) -> "EagerResult[Any]":
    """Run a call to its end."""
    return steps.run(steps_of(task, args, kwargs, options))


def steps_of(
    task: "Task[..., Any]", args: Sequence[Any], kwargs: Mapping[str, Any], options: TaskOptions
) -> "Steps[EagerResult[Any]]":
    """The same in steps, for an event loop as well.

    The arguments are written and read again, so that what a worker would not get fails here too.
    """
    message = TaskMessage(id=ids.task_id(), task=task.name, args=args, kwargs=dict(kwargs))
    envelope = encode(
        message,
        serializer=options.serializer or task.serializer,
        parameters=task.call_signature.positional,
    )
    call = decode(envelope, accept={envelope.content_type})
    chosen = options if options.task_id else msgspec.structs.replace(options, task_id=message.id)
    return task.app.eager.steps(task, call.args, call.kwargs, chosen, throw=options.throw)
