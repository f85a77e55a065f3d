"""The queues that an application's settings name."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sedano.app import Sedano


def configured_queues(app: "Sedano") -> list[str]:
    """The default queue and those of ``task_queues``, sorted: what a worker without ``-Q`` consumes."""
    tasks = app.settings.tasks
    # Of broadcast queues this process has made up names that nobody else knows.
    named = {queue.name for queue in tasks.queues or () if not queue.is_of_one_node}
    return sorted({tasks.default_queue, *named})
