"""The current application and task, by the functions that Celery has for them.

Used by the files in ``modules``. Never keeps anything itself: ``sedano.current`` does.
"""

from collections.abc import Callable
from typing import Any

from sedano.app import Sedano
from sedano.current import for_every_app, get_current_app
from sedano.tasks.request import worker_request
from sedano.tasks.task import Task


def app_or_default(app: Sedano | None = None) -> Sedano:
    """The application given; the current one where none is."""
    return app if app is not None else get_current_app()


def get_current_worker_task() -> Task[..., Any] | None:
    """The task that a worker runs here: not one that is merely called."""
    return request.task_object if (request := worker_request()) is not None else None


def set_default_app(app: Sedano) -> None:
    """Make an application the current one."""
    app.set_current()


def connect_on_app_finalize(callback: Callable[[Sedano], object]) -> Callable[[Sedano], object]:
    """Call a function with each application; here as soon as there is one, not before its first use."""
    for_every_app(callback)
    return callback
