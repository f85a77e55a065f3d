"""One run of one task: the values that the executor's steps share, and what goes round it."""

from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any

import msgspec

from sedano.execution.host import Surrounding
from sedano.execution.job import Job
from sedano.tasks.request import Context, current_request
from sedano.tasks.task import Task


class Attempt(msgspec.Struct):
    """A job that has been decoded and has found its task."""

    job: Job
    task: Task[..., Any]
    request: Context
    #: When the function was called (``perf_counter``); 0 if it was not.
    started: float = 0.0
    #: Seconds the function took; set when it is over.
    runtime: float = 0.0


class Running:
    """While entered, the attempt's request is the current one, inside what the application puts round it."""

    __slots__ = ("_attempt", "_stack", "_surroundings", "_token")

    def __init__(self, attempt: Attempt, surroundings: Sequence[Surrounding]) -> None:
        self._attempt = attempt
        self._surroundings = surroundings

    def __enter__(self) -> None:
        self._token = current_request.set(self._attempt.request)
        self._stack: ExitStack | None = None
        if self._surroundings:
            self._stack = ExitStack()
            try:
                for surround in self._surroundings:
                    self._stack.enter_context(surround(self._attempt.task, self._attempt.request))
            except BaseException:
                self.__exit__(None, None, None)
                raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self._stack is not None:
                self._stack.__exit__(kind, error, traceback)
        finally:
            current_request.reset(self._token)
