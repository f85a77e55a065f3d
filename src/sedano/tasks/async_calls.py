"""Calls that are published from coroutines.

Called by tasks, signatures and the application. What is published is decided by the synchronous code, which
hands it over instead of sending it. Never decides anything itself.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sedano.results.async_result import AsyncResult
from sedano.tasks import async_publishing, workflows
from sedano.tasks.request import worker_request

if TYPE_CHECKING:
    from sedano.brokers.publication import Publication
    from sedano.canvas.plan import Plan
    from sedano.tasks.application import Application
    from sedano.tasks.options import TaskOptions
    from sedano.tasks.task import Task

T = TypeVar("T")


async def carry_out(app: "Application", publish: Callable[[], T]) -> T:
    """Call what publishes, and send from here what it publishes.

    Args:
        app: The application.
        publish: Synchronous. What it publishes, messages and workflows, is sent in its order when it has
            returned.

    Returns:
        What it returns.

    Raises:
        As ``Task.apply_async``.
    """
    sendings = _Sendings(app)
    with app.publisher.hand_to(sendings.add_messages), workflows.hand_to(app, sendings.add_workflow):
        result = publish()
    try:
        for send in sendings.made:
            await send()
    except BaseException:
        _disown(result)
        raise
    return result


class _Sendings:
    """What was published, as what sends it."""

    def __init__(self, app: "Application") -> None:
        self._app = app
        self.made: list[Callable[[], Awaitable[None]]] = []

    def add_messages(
        self, publications: "Sequence[Publication]", options: "TaskOptions", task: "Task[..., Any] | None"
    ) -> None:
        self.made.append(partial(async_publishing.publish, self._app, publications, options, task=task))

    def add_workflow(self, plan: "Plan", options: "TaskOptions") -> None:
        self.made.append(partial(workflows.apublish, self._app, plan, options))


def _disown(result: Any) -> None:
    """Take what has not been published off the children of the task that runs here."""
    parent = worker_request()
    if parent is not None and parent._children and isinstance(result, AsyncResult):
        parent._children[:] = [child for child in parent._children if child is not result]
