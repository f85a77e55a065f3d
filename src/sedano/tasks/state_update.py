"""``Task.update_state``: a state of the user's own, such as PROGRESS, told to those who wait.

Inside a worker it goes to the executor, which sends it through the node (and so never after the final
result); elsewhere it is written to the result store.
"""

from typing import TYPE_CHECKING, Any

from sedano import states
from sedano.errors import ConfigurationError
from sedano.results import celery_meta
from sedano.results.task_meta import TaskMeta

if TYPE_CHECKING:
    from sedano.tasks.task import Task


def update_state(task: "Task[..., Any]", task_id: str | None, state: str | None, meta: Any) -> None:
    """Store a state of a task; see ``Task.update_state``."""
    request = task.request
    chosen = task_id or request.id
    if chosen is None:
        raise ConfigurationError("update_state: no task is running here; give task_id.")
    if request._record_state is not None and chosen == request.id:
        request._record_state(state or states.PENDING, meta)
        return
    application = task.app
    store = application.results
    if store is None:
        return
    shown = TaskMeta.custom(chosen, state or states.PENDING, meta)
    settings = application.settings.results
    write = celery_meta.to_write(
        shown, settings, now=application.clock.timestamp(), reply_to=request.reply_to
    )
    store.put([write])
