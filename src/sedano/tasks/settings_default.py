"""Attributes of a task that read as a setting until the task sets them itself."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sedano.tasks.task import Task


class SettingsDefault:
    """A descriptor without ``__set__``: what an instance or a subclass sets goes before it."""

    __slots__ = ("_field",)

    def __init__(self, field: str) -> None:
        self._field = field

    def __get__(self, task: "Task[..., Any] | None", owner: type) -> Any:
        if task is None:
            return None
        # Read several times for each call: the attribute first, the property that searches only if need be.
        application = task._app or task.app
        return getattr(application.settings.tasks, self._field)


def from_settings(field: str) -> Any:
    """The default of a task's attribute: the field of that name in ``TaskSettings``.

    Typed as Any, so that the attribute keeps the type it is declared with.
    """
    return SettingsDefault(field)
