"""An application whose messages and results are in this process, for the length of a test.

For users, as ``sedano.testing.in_memory``, and under the pytest fixtures and Django's mixin.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from sedano.clock import Clock
from sedano.testing.current_app import itself, made_current

if TYPE_CHECKING:
    from sedano.app import Sedano
    from sedano.tasks.task import Task

#: Over whatever the project or the environment says.
LOCATIONS: Final[Mapping[str, Any]] = {
    "broker_url": "memory://",
    "broker_transport_options": {},
    "result_backend": "memory://",
    "result_backend_transport_options": {},
}


@contextmanager
def in_memory(app: "Sedano", *, clock: Clock | None = None, **settings: Any) -> Iterator["Sedano"]:
    """Give an application an empty broker and result store in memory, and make it the current one.

    At the end all is as it was before: its settings, its clock, its broker, and its tasks, but for those that
    modules define which were imported in the meantime. Where the project keeps no results, none are kept.

    Args:
        app: The application of the project.
        clock: What it takes the time from meanwhile: a ``ManualClock``, say.
        settings: What else is set meanwhile. ``task_always_eager`` is False unless it is given here.

    >>> from sedano import Sedano
    >>> app = Sedano("docs", broker="redis://somewhere", set_as_current=False)
    >>> with in_memory(app, task_time_limit=5):
    ...     app.broker.name, app.conf.task_time_limit
    ('memory', 5)
    """
    app, locations = itself(app), dict(LOCATIONS)
    if str(app.conf.result_backend).rstrip(":/") == "disabled":
        del locations["result_backend"]
    given = {name: settings.pop(name) for name in list(settings) if name in LOCATIONS}
    before, tasks = app.clock, dict(app.tasks)
    with app.conf.restored(), made_current(app):
        app.conf.override({**locations, **given})
        app.conf.update({"task_always_eager": False, **settings})
        app.close()
        app.clock = before if clock is None else clock
        try:
            yield app
        finally:
            app.close()
            app.clock = before
            _forget_tasks_of_functions(app, tasks)


def _forget_tasks_of_functions(app: "Sedano", before: "Mapping[str, Task[..., Any]]") -> None:
    """Those that a test has defined in its own body. Modules are not imported again: theirs stay."""
    for name, task in list(app.tasks.items()):
        if before.get(name) is not task and "<locals>" in getattr(task, "__qualname__", ""):
            del app.tasks[name]
            if name in before:
                app.tasks[name] = before[name]
