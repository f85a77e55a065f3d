"""``manage.py check`` tells what is wrong with the queue's settings."""

from copy import deepcopy
from typing import Any

import pytest
from django.conf import settings
from django.core.checks import CheckMessage
from django.db import ConnectionHandler
from django.test import SimpleTestCase, override_settings

from sedano.contrib.django import checks


def found() -> list[tuple[str, str]]:
    messages: list[CheckMessage] = [*checks.check_settings(), *checks.check_database()]
    return [(message.id, message.msg) for message in messages]


class TestChecks(SimpleTestCase):
    def test_a_site_that_is_set_up_well_passes(self) -> None:
        assert found() == []

    @override_settings(CELERY_TASK_ACK_LATE=True, CELERY_WORKER_CONCURRENCY="four")
    def test_each_wrong_setting_is_an_error(self) -> None:
        messages = found()

        assert [id for id, _ in messages] == ["sedano.E001", "sedano.E001"]
        assert any("CELERY_TASK_ACKS_LATE" in text for _, text in messages)
        assert any(text.startswith("CELERY_WORKER_CONCURRENCY: expected") for _, text in messages)

    @override_settings(CELERY_COFFEE="yes")
    def test_an_unknown_setting_is_a_warning(self) -> None:
        ((id, text),) = found()

        assert id == "sedano.W001"
        assert text.startswith("CELERY_COFFEE")

    @override_settings(CELERY_BROKER_URL="django://elsewhere")
    def test_a_database_that_does_not_exist_is_an_error(self) -> None:
        ((id, text),) = found()

        assert id == "sedano.E002"
        assert "elsewhere" in text

    @override_settings(CELERY_TASK_PUBLISH_ON_COMMIT=False)
    def test_what_cannot_be_done_within_the_database_is_a_warning(self) -> None:
        ((id, _),) = found()

        assert id == "sedano.W004"

    @override_settings(CELERY_BROKER_URL="memory://", CELERY_TASK_PUBLISH_ON_COMMIT=False)
    def test_a_broker_elsewhere_is_no_matter_of_the_database(self) -> None:
        assert found() == []


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        pytest.param({}, ["transaction_mode", "timeout", "init_command"], id="nothing is set"),
        pytest.param({"transaction_mode": "IMMEDIATE"}, ["timeout", "init_command"], id="no WAL"),
        pytest.param(
            {"init_command": "PRAGMA journal_mode = wal", "timeout": 5}, ["transaction_mode"], id="deferred"
        ),
        pytest.param(
            {"init_command": "PRAGMA journal_mode=WAL;", "transaction_mode": "immediate"}, [], id="enough"
        ),
    ],
)
def test_a_sqlite_database_for_one_process_is_a_warning_with_what_to_add(
    options: dict[str, Any], missing: list[str]
) -> None:
    messages = checks._check_sqlite(connection_with(OPTIONS=options))

    assert [message.id for message in messages] == (["sedano.W002"] if missing else [])
    for message in messages:
        assert [name for name in checks.SQLITE_OPTIONS if f'"{name}": ' in message.hint] == missing
        given = eval(message.hint.partition(" = ")[2])  # noqa: S307 - it is Python for a settings module
        assert checks._check_sqlite(connection_with(OPTIONS={**options, **given})) == []


def test_a_database_in_memory_is_a_warning() -> None:
    messages = checks._check_sqlite(connection_with(NAME=":memory:"))

    assert [message.id for message in messages] == ["sedano.W003"]


def test_a_test_runners_database_in_memory_is_none() -> None:
    name = "file:memorydb_default?mode=memory&cache=shared"

    assert checks._check_sqlite(connection_with(NAME=name)) == []


def connection_with(**changes: Any) -> Any:
    databases = deepcopy({"default": settings.DATABASES["default"]})
    databases["default"].update(changes)
    return ConnectionHandler(databases)["default"]
