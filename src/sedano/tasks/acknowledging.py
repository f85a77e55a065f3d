"""Whether the message of a task that failed is done with, or kept: ``acks_on_failure``, ``acks_on_timeout``.

Asked by the executor when a task has ended. As in Celery 5.7: the task's own switch, the task's switch for
both, the setting of the one, the setting for both.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sedano.tasks.task import Task


def acks_on_failure(task: "Task[..., Any]") -> bool:
    """Whether the message goes when the task has raised; otherwise it is buried."""
    settings = task.app.settings.tasks
    switches = (task.acks_on_failure, task.acks_on_failure_or_timeout, settings.acks_on_failure)
    return _first_set(*switches, settings.acks_on_failure_or_timeout)


def acks_on_timeout(task: "Task[..., Any]") -> bool:
    """Whether the message goes when the task has run past its hard limit; otherwise it is tried again."""
    settings = task.app.settings.tasks
    switches = (task.acks_on_timeout, task.acks_on_failure_or_timeout, settings.acks_on_timeout)
    return _first_set(*switches, settings.acks_on_failure_or_timeout)


def _first_set(*switches: bool | None) -> bool:
    return next((bool(switch) for switch in switches if switch is not None), True)
