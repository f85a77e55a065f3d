"""Celery's pytest fixtures, for tests that were written for them.

``pytest_plugins = ("sedano.testing.celery_fixtures",)`` in the topmost ``conftest.py`` takes the place of
``("celery.contrib.pytest",)``. New tests are better off with ``sedano.testing.pytest_plugin``.
"""

import importlib
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from sedano.app import Sedano
from sedano.testing.celery_app import TestApp, setup_default_app
from sedano.testing.worker_thread import WorkerThread, start_worker

NO_WORKER = os.environ.get("NO_WORKER")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers", "celery(**overrides): settings of the test's application (Sedano, Celery's fixtures)"
    )


# -- what projects override


@pytest.fixture(scope="session")
def celery_config() -> Mapping[str, Any]:
    """Settings of the applications."""
    return {}


@pytest.fixture(scope="session")
def celery_parameters() -> Mapping[str, Any]:
    """Arguments of the applications' constructor."""
    return {}


@pytest.fixture(scope="session")
def celery_enable_logging() -> bool:
    """Has no effect: applications set up no logging."""
    return False


@pytest.fixture(scope="session")
def celery_includes() -> Sequence[str]:
    """Modules to import when a worker starts."""
    return ()


@pytest.fixture(scope="session")
def celery_class_tasks() -> Sequence[Any]:
    """Classes of tasks to register when the session's worker starts."""
    return []


@pytest.fixture(scope="session")
def celery_worker_pool() -> str:
    """The worker's pool: ``solo``, and no other."""
    return "solo"


@pytest.fixture(scope="session")
def celery_worker_parameters() -> Mapping[str, Any]:
    """Arguments of ``start_worker``."""
    return {}


@pytest.fixture(scope="session")
def use_celery_app_trap() -> bool:
    """Whether the use of the current application is an error."""
    return False


# -- what tests ask for


@pytest.fixture(scope="session")
def celery_session_app(
    request: pytest.FixtureRequest,
    celery_config: Mapping[str, Any],
    celery_parameters: Mapping[str, Any],
    celery_enable_logging: bool,
    use_celery_app_trap: bool,
) -> Iterator[Sedano]:
    """One application for all tests; the current one, unless there is the trap."""
    app = _make_app(request, celery_config, celery_parameters)
    with setup_default_app(app, use_trap=use_celery_app_trap):
        if not use_celery_app_trap:
            app.set_current()
        yield app


@pytest.fixture(scope="session")
def celery_session_worker(
    celery_session_app: Sedano,
    celery_includes: Sequence[str],
    celery_class_tasks: Sequence[Any],
    celery_worker_pool: str,
    celery_worker_parameters: Mapping[str, Any],
) -> Iterator[WorkerThread | None]:
    """One worker for all tests."""
    for task in celery_class_tasks:
        celery_session_app.register_task(task)
    yield from _work(celery_session_app, celery_includes, celery_worker_pool, celery_worker_parameters)


@pytest.fixture
def celery_app(
    request: pytest.FixtureRequest,
    celery_config: Mapping[str, Any],
    celery_parameters: Mapping[str, Any],
    celery_enable_logging: bool,
    use_celery_app_trap: bool,
) -> Iterator[Sedano]:
    """An application of the test's own; not the current one."""
    app = _make_app(request, celery_config, celery_parameters)
    with setup_default_app(app, use_trap=use_celery_app_trap):
        yield app


@pytest.fixture
def celery_worker(
    celery_app: Sedano,
    celery_includes: Sequence[str],
    celery_worker_pool: str,
    celery_worker_parameters: Mapping[str, Any],
) -> Iterator[WorkerThread | None]:
    """A worker of the test's own, in a thread."""
    yield from _work(celery_app, celery_includes, celery_worker_pool, celery_worker_parameters)


@pytest.fixture
def depends_on_current_app(celery_app: Sedano) -> None:
    """Makes ``celery_app`` the current application."""
    celery_app.set_current()


def _make_app(
    request: pytest.FixtureRequest, config: Mapping[str, Any], parameters: Mapping[str, Any]
) -> Sedano:
    marker = request.node.get_closest_marker("celery")
    overrides = marker.kwargs if marker is not None else {}
    return TestApp(config={**config, **overrides}, **parameters)


def _work(
    app: Sedano, includes: Sequence[str], pool: str, parameters: Mapping[str, Any]
) -> Iterator[WorkerThread | None]:
    if NO_WORKER:
        yield None
        return
    for module in includes:
        importlib.import_module(module)
    with start_worker(app, pool=pool, **parameters) as worker:
        yield worker
