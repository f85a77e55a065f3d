"""Applications for tests, under the names of ``celery.contrib.testing.app``.

Used by ``celery_fixtures``, and by projects that call them as they did Celery's. New tests use ``in_memory``.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NoReturn

from sedano.app import Sedano
from sedano.current import applications
from sedano.testing.app_in_memory import LOCATIONS
from sedano.testing.current_app import made_current

#: Celery's store in memory, by the name it has there.
_CELERYS_MEMORY: Final = "cache+memory://"


class Trap:
    """Stands where the current application would be, and lets nobody use it."""

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise RuntimeError(
            "This test must not use current_app (use_celery_app_trap): hand the application in."
        )


def TestApp(  # Celery's name
    name: str | None = None,
    config: Mapping[str, Any] | None = None,
    enable_logging: bool = False,
    set_as_current: bool = False,
    log: None = None,
    backend: str | None = None,
    broker: str | None = None,
    **parameters: Any,
) -> Sedano:
    """A new application, with broker and results in memory unless others are named.

    Args:
        name: As for ``Sedano``.
        config: Settings.
        enable_logging: Accepted for Celery's sake: an application sets up no logging here.
        set_as_current: As for ``Sedano``.
        log: Accepted for Celery's sake.
        backend: The setting ``result_backend``.
        broker: The setting ``broker_url``.
        parameters: As for ``Sedano``.
    """
    parameters = {"main": name or "celery.tests", **parameters}
    app = Sedano(set_as_current=set_as_current, **parameters)
    app.conf.update(config or {})
    for setting, argument in (("broker_url", broker), ("result_backend", backend)):
        url = argument or app.conf.changes.get(setting) or LOCATIONS[setting]
        # The environment of whoever runs the tests has no say in it.
        app.conf.override({setting: "memory://" if url == _CELERYS_MEMORY else url})
    return app


# Neither class nor function is a test, whatever pytest thinks of the name.
TestApp.__test__ = False  # type: ignore[attr-defined]


@contextmanager
def set_trap(app: Sedano) -> Iterator[None]:
    """Within, whatever uses the current application raises RuntimeError."""
    with made_current(Trap()):
        yield


@contextmanager
def setup_default_app(app: Sedano, use_trap: bool = False) -> Iterator[None]:
    """The current application is restored at the end, and ``app`` closed.

    Args:
        app: The application of the test.
        use_trap: Forbid the use of the current application meanwhile.
    """
    with made_current(Trap() if use_trap else applications._current):
        try:
            yield
        finally:
            app.close()
