"""The tasks that an application knows, by name.

Filled by the decorators and ``register_task``; asked by the executor and the node. Never imports modules.
"""

import warnings
from typing import TYPE_CHECKING, Any, ClassVar

from sedano.errors import TaskNotRegistered

if TYPE_CHECKING:
    from sedano.tasks.task import Task


class TaskRegistry(dict[str, "Task[..., Any]"]):
    """Name -> task. A missing name raises TaskNotRegistered, which says what was meant."""

    NotRegistered: ClassVar[type[TaskNotRegistered]] = TaskNotRegistered

    def __missing__(self, name: str) -> "Task[..., Any]":
        raise TaskNotRegistered(name, self.keys())

    def register(self, task: "Task[..., Any]") -> None:
        """Add a task under its name, over one that was there; warns if that was another function."""
        known = self.get(task.name)
        if known is not None and _origin(known) != _origin(task):
            warnings.warn(
                f"Two tasks are named {task.name!r}: {_origin(known)} and {_origin(task)}; "
                "the second counts.",
                stacklevel=4,
            )
        self[task.name] = task

    def shown(self) -> list[str]:
        """The names that people are shown, in order: not those of the built-in tasks."""
        return sorted(name for name in self if not name.startswith("celery."))

    def unregister(self, name: "str | Task[..., Any]") -> None:
        """Remove a task; raises TaskNotRegistered if there is none of this name."""
        key = name if isinstance(name, str) else name.name
        if key not in self:
            raise TaskNotRegistered(key, self.keys())
        del self[key]


def _origin(task: "Task[..., Any]") -> str:
    """Where the function or the class of a task is defined."""
    return f"{task.__module__}.{getattr(task, '__qualname__', type(task).__qualname__)}"
