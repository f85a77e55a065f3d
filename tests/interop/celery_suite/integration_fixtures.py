"""The fixtures of Celery's integration tests: theirs, but for the worker, which is a process of its own.

Loaded by ``run`` with ``-p``, after ``sedano.testing.celery_fixtures``.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.interop.celery_suite import stand_ins

stand_ins.install()

from t.integration.conftest import (  # noqa: E402
    app,
    celery_class_tasks,
    celery_config,
    celery_enable_logging,
    celery_includes,
)

from sedano.testing import start_worker  # noqa: E402
from tests.interop.celery_suite.manager import Manager  # noqa: E402
from tests.interop.celery_suite.reporting import *  # noqa: E402, F403
from tests.interop.celery_suite.reporting import WORKER  # noqa: E402
from tests.interop.celery_suite.worker_app import CONTRADICTORY  # noqa: E402

__all__ = ["app", "celery_class_tasks", "celery_config", "celery_enable_logging", "celery_includes"]


@pytest.fixture(scope="session")
def celery_session_worker(celery_session_app: Any, celery_class_tasks: Any) -> Iterator[None]:
    """A thread; or a process, which has been started before the tests."""
    for task in celery_class_tasks:
        celery_session_app.register_task(task)
    if WORKER == "thread":
        del celery_session_app.tasks[CONTRADICTORY]
        with start_worker(celery_session_app):
            yield
    else:
        yield


@pytest.fixture
def manager(app: Any, celery_session_worker: None) -> Iterator[Manager]:
    """What the tests wait with; afterwards nothing is left for the next one."""
    # Asked by many tests before they begin. Every store of ours has chords.
    app.results.ensure_chords_allowed = lambda: None
    one = Manager(app)
    yield one
    one.wait_until_idle()


@pytest.fixture(autouse=True)
def the_app_is_current(app: Any) -> None:
    """Shared tasks are the test's."""
    app.set_current()
