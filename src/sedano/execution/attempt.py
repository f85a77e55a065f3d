"""One run of one task: the values that the executor's steps share."""

from typing import Any

import msgspec

from sedano.execution.job import Job
from sedano.tasks.request import Context
from sedano.tasks.task import Task


class Attempt(msgspec.Struct):
    """A job that has been decoded and has found its task."""

    job: Job
    task: Task[..., Any]
    request: Context
    #: Seconds the function took; set when it is over.
    runtime: float = 0.0
