"""The fixtures of Celery's unit tests: theirs, where they do not look into Celery itself.

Loaded by ``run`` with ``-p``, after ``sedano.testing.celery_fixtures``.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.interop.celery_suite import stand_ins

stand_ins.install()

from t.unit.conftest import assert_signal_called, environ, patching, restore_logging  # noqa: E402

from sedano.testing.celery_app import TestApp  # noqa: E402
from tests.interop.celery_suite.reporting import *  # noqa: E402, F403

__all__ = ["environ", "patching", "restore_logging"]


@pytest.fixture(scope="session")
def celery_config() -> Mapping[str, Any]:
    """Settings of the test's application."""
    return {
        "broker_url": "memory://",
        "result_backend": "cache+memory://",
        "task_default_queue": "testcelery",
        "accept_content": ("json", "pickle"),
    }


@pytest.fixture
def app(celery_app: Any) -> Any:
    """The test's application."""
    return celery_app


@pytest.fixture(autouse=True)
def what_test_classes_have(request: Any, app: Any, patching: Any, celery_config: Mapping[str, Any]) -> None:
    """Attributes that tests expect on themselves."""
    if request.instance is None:
        return

    @app.task(name="t.unit.conftest.add")
    def add(x: Any, y: Any) -> Any:
        return x + y

    request.instance.app = app
    request.instance.add = add
    request.instance.Celery = TestApp
    request.instance.patching = patching
    request.instance.assert_signal_called = assert_signal_called
    request.instance.CELERY_TEST_CONFIG = celery_config
