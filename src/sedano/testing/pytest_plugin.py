"""Fixtures for pytest: ``pytest_plugins = ("sedano.testing.pytest_plugin",)`` in the topmost ``conftest.py``.

It is no entry point of pytest's: projects that do not use it would import it all the same, before anything
could measure or configure that.
"""

import functools
import sys
from collections.abc import Callable, Iterator

import pytest

from sedano.app import Sedano
from sedano.current import get_current_app
from sedano.testing.app_in_memory import in_memory
from sedano.testing.clock import ManualClock
from sedano.testing.idle import run_until_idle
from sedano.testing.published_task import PublishedTask, published
from sedano.testing.task_run import TaskRun
from sedano.testing.worker_thread import WorkerThread, start_worker


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "sedano(**settings): settings of sedano_app in this test")


@pytest.fixture(scope="session")
def sedano_project_app() -> Sedano:
    """The application that is tested: the current one. Override this where the project's is another."""
    return get_current_app()


@pytest.fixture
def sedano_clock() -> ManualClock:
    """The clock of ``sedano_app``, for a test that asks for it: it stands still until it is turned."""
    return ManualClock.from_present()


@pytest.fixture
def sedano_app(request: pytest.FixtureRequest, sedano_project_app: Sedano) -> Iterator[Sedano]:
    """The project's application, with broker and results in memory, and empty.

    Settings are those of the project, and of the marker: ``@pytest.mark.sedano(task_time_limit=5)``.
    """
    clock = request.getfixturevalue("sedano_clock") if "sedano_clock" in request.fixturenames else None
    settings = {
        name: value
        for marker in reversed(list(request.node.iter_markers("sedano")))
        for name, value in marker.kwargs.items()
    }
    with in_memory(sedano_project_app, clock=clock, **settings) as app:
        yield app


@pytest.fixture
def sedano_run(sedano_app: Sedano) -> Callable[..., list[TaskRun]]:
    """``run_until_idle`` for ``sedano_app``; in Django's transactions that are never committed, too."""
    if "django.db" not in sys.modules:
        return functools.partial(run_until_idle, sedano_app)
    from sedano.testing.django import SiteRunner

    return SiteRunner(sedano_app)


@pytest.fixture
def sedano_published(sedano_app: Sedano) -> Callable[..., list[PublishedTask]]:
    """``published`` for ``sedano_app``."""
    return functools.partial(published, sedano_app)


@pytest.fixture
def sedano_worker(sedano_app: Sedano) -> Iterator[WorkerThread]:
    """A worker of ``sedano_app`` that works beside the test, in a thread."""
    with start_worker(sedano_app) as worker:
        yield worker
