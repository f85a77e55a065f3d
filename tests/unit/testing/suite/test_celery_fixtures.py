"""Celery's fixtures, in tests written as for Celery."""

from collections.abc import Mapping
from typing import Any

import pytest

from sedano import Sedano, current_app, shared_task
from sedano.testing.celery_app import TestApp, setup_default_app
from sedano.testing.ping import ping


@pytest.fixture(scope="session")
def celery_config() -> Mapping[str, Any]:
    return {"result_backend": "cache+memory://", "task_default_priority": 3}


@pytest.fixture(scope="session")
def celery_includes() -> list[str]:
    return ["bakery"]


@pytest.fixture(scope="session")
def celery_worker_parameters() -> Mapping[str, Any]:
    return {"queues": ("celery", "ovens"), "perform_ping_check": False}


@pytest.fixture(scope="session")
def celery_parameters() -> Mapping[str, Any]:
    return {"strict_typing": False, "main": "mine"}


def test_a_task_is_run_by_the_worker(celery_app: Sedano, celery_worker: Any) -> None:
    @celery_app.task
    def mul(x: int, y: int) -> int:
        return x * y

    celery_worker.reload()

    assert mul.delay(4, 4).get(timeout=10) == 16


def test_each_test_has_an_application_of_its_own(celery_app: Sedano) -> None:
    @celery_app.task
    def mul(x: int, y: int) -> int:
        return -x * y

    mul.delay(4, 4)

    assert celery_app.broker.admin.depth("celery").ready == 1


def test_the_settings_are_the_projects(celery_app: Sedano) -> None:
    assert celery_app.main == "mine"
    assert celery_app.conf.task_default_priority == 3
    assert (celery_app.broker.name, celery_app.results.name) == ("memory", "memory")


@pytest.mark.celery(task_default_priority=7, result_backend="disabled")
def test_the_marker_changes_them(celery_app: Sedano) -> None:
    assert celery_app.conf.task_default_priority == 7
    assert celery_app.results is None


def test_the_workers_modules_and_queues_are_the_projects(celery_app: Sedano, celery_worker: Any) -> None:
    shared_task(lambda: "shared", name="testing.shared")

    result = celery_app.send_task("testing.shared", queue="ovens")

    assert result.get(timeout=10) == "shared"


def test_the_task_of_celerys_tests_is_there(celery_app: Sedano, celery_worker: Any) -> None:
    assert ping.delay().get(timeout=10) == "pong"


def test_it_is_not_the_current_application(celery_app: Sedano) -> None:
    assert current_app != celery_app


def test_unless_the_test_depends_on_that(celery_app: Sedano, depends_on_current_app: None) -> None:
    assert current_app == celery_app


def test_afterwards_it_is_not_any_more(celery_app: Sedano) -> None:
    assert current_app != celery_app


def test_the_session_has_one_application_and_one_worker(
    celery_session_app: Sedano, celery_session_worker: Any
) -> None:
    @celery_session_app.task
    def add(x: int, y: int) -> int:
        return x + y

    assert add.delay(1, 2).get(timeout=10) == 3


def test_an_application_can_be_made_by_hand() -> None:
    app = TestApp(broker="memory://", config={"task_default_queue": "mine"}, set_as_current=False)

    with setup_default_app(app):
        app.set_current()

        assert current_app == app
        assert current_app.conf.task_default_queue == "mine"
    assert current_app != app


def test_the_trap_forbids_the_current_application() -> None:
    with (
        setup_default_app(TestApp(), use_trap=True),
        pytest.raises(RuntimeError, match="must not use current_app"),
    ):
        current_app.send_task("bakery.bake")
