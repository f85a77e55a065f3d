"""The queues that an application's settings name."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sedano.app import Sedano


def configured_queues(app: "Sedano") -> list[str]:
    """The default queue and those of ``task_queues``, sorted: what a worker without ``-Q`` consumes."""
    tasks = app.settings.tasks
    return sorted({tasks.default_queue, *(tasks.queues or ())})
