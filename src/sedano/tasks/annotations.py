"""``task_annotations``: attributes that settings give to tasks.

Called by the application when its settings are there: once for each task.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sedano.errors import ConfigurationError
from sedano.loading import load_object
from sedano.tasks.declaration import check_options

if TYPE_CHECKING:
    from sedano.tasks.task import Task


def annotate(task: "Task[..., Any]", annotations: Any) -> None:
    """Set what the annotations say of a task: those for ``*`` first, then those for its name.

    Args:
        task: The task.
        annotations: A dictionary (name or ``*`` -> attributes), an object with ``annotate(task)`` and perhaps
            ``annotate_any()``, a dotted path to one, or a list of these. The key ``@run`` wraps the method
            ``run``.
    """
    for attributes in _found(task, annotations):
        if not isinstance(attributes, Mapping):
            raise ConfigurationError(
                f"task_annotations: expected a dictionary for {task.name!r}, got {attributes!r}"
            )
        methods = {name: value for name, value in attributes.items() if name.startswith("@")}
        values = {name: value for name, value in attributes.items() if name not in methods}
        check_options(values)
        for name, value in values.items():
            setattr(task, name, value)
        for name, wrap in methods.items():
            setattr(task, name[1:], wrap(getattr(task, name[1:])))


def _found(task: "Task[..., Any]", annotations: Any) -> Iterable[Any]:
    if annotations is None:
        return
    if isinstance(annotations, str):
        annotations = load_object(annotations)
    if isinstance(annotations, Mapping):
        yield from (annotations[key] for key in ("*", task.name) if annotations.get(key))
    elif isinstance(annotations, list | tuple):
        for one in annotations:
            yield from _found(task, one)
    else:
        annotator = annotations() if isinstance(annotations, type) else annotations
        found = (
            annotator.annotate_any() if hasattr(annotator, "annotate_any") else None,
            annotator.annotate(task),
        )
        yield from (attributes for attributes in found if attributes)
