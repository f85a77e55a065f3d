"""What is called when a task has failed: the errbacks of its message, as Celery calls them.

Called by ``consequences`` and by the eager runner, while the failed task's request is the current one. What
an errback raises is logged, and changes nothing.
"""

import functools
import inspect
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from sedano.brokers.publication import Publication
from sedano.errors import ResultStoreUnavailable, TaskNotRegistered
from sedano.execution.following import Follower
from sedano.execution.host import Host
from sedano.execution.never_run import Failure
from sedano.tasks.request import Context
from sedano.tasks.task import Task

logger = logging.getLogger("sedano.worker.task")


class Errbacks:
    """Calls or publishes the errbacks of one application's tasks."""

    def __init__(self, app: Host, follower: Follower) -> None:
        self._app = app
        self._follower = follower

    def fire(self, request: Context, failure: Failure, *, silent: bool = False) -> list[Publication]:
        """Call those that want to know what went wrong; the others are to be published.

        Args:
            request: The call that failed.
            failure: What went wrong.
            silent: Call none here: user code has killed the processes that told of this end.
        """
        to_publish: list[Mapping[str, Any]] = []
        for errback in request.errbacks or ():
            if not takes_the_error(self._app, errback):
                to_publish.append(errback)
            elif silent:
                logger.error(
                    "Errback %s of task %s is not called: a process died", errback["task"], request.id
                )
            else:
                call_inline(self._app, errback, request, failure.error, failure.traceback)
        return self._published(to_publish, request) if to_publish else []

    def _published(
        self, errbacks: Sequence[Mapping[str, Any]], request: Context, why: str = "errbacks"
    ) -> list[Publication]:
        """As a group that gets the failed task's id."""
        try:
            return self._follower.together(errbacks, (request.id,), request, why)
        except ResultStoreUnavailable:
            raise
        except Exception:
            if len(errbacks) == 1:
                logger.exception(
                    "Errback %s of task %s cannot be published", errbacks[0].get("task"), request.id
                )
                return []
        # One of them is the culprit: the others are not to suffer for it.
        return [
            publication
            for number, one in enumerate(errbacks)
            for publication in self._published([one], request, f"errback {number}")
        ]


def takes_the_error(app: Host, errback: Mapping[str, Any]) -> bool:
    """Whether it is called in place, with request, error and traceback; others get the failed task's id."""
    try:
        task = app.tasks[errback.get("task") or ""]
    except TaskNotRegistered:
        return False
    return not task.is_coroutine and not inspect.ismethod(task.run) and _takes_more_than_one(task, errback)


def call_inline(
    app: Host, errback: Mapping[str, Any], request: Context, error: BaseException, traceback: str | None
) -> None:
    """Call an errback of which ``takes_the_error`` is true. What it raises is logged."""
    args, kwargs = tuple(errback.get("args") or ()), errback.get("kwargs") or {}
    if not errback.get("immutable"):
        args = (request, error, traceback, *args)
    try:
        app.tasks[errback["task"]](*args, **kwargs)
    except Exception:
        logger.exception("Errback %s of task %s[%s] raised", errback["task"], request.task, request.id)


def _takes_more_than_one(task: Task[..., Any], errback: Mapping[str, Any]) -> bool:
    """Whether the function has room for more than the failed task's id, beside what the signature gives."""
    args, kwargs = errback.get("args") or (), errback.get("kwargs") or {}
    function = task.run
    try:
        if (args or kwargs) and not errback.get("immutable"):
            return _arity(functools.partial(function, *args, **kwargs)) > 1
    except (TypeError, ValueError):
        pass
    try:
        return _arity(function) > 1
    except (TypeError, ValueError):
        return False


def _arity(function: Any) -> float:
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return float("inf")
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(parameter.kind in by_position for parameter in parameters)
