"""From one of Django's databases to the URL of the broker that a worker uses on it."""

from copy import deepcopy
from typing import Any

import pytest
from django.conf import settings
from django.db import ConnectionHandler
from django.test import TestCase

from sedano import current_app
from sedano.contrib.django import vendors
from sedano.errors import ConfigurationError


def url_of(name: str) -> str:
    return vendors.VENDORS["sqlite"].own_url(connection_to(name))


def connection_to(name: str) -> Any:
    databases = deepcopy({"default": settings.DATABASES["default"]})
    databases["default"]["NAME"] = name
    return ConnectionHandler(databases)["default"]


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("/srv/site/db.sqlite3", "sqlite:////srv/site/db.sqlite3?schema=external"),
        ("/srv/a b/100%?#.db", "sqlite:////srv/a%20b/100%25%3F%23.db?schema=external"),
        ("file:/srv/site/db.sqlite3?cache=private", "sqlite:////srv/site/db.sqlite3?schema=external"),
    ],
)
def test_a_file_is_named_by_its_absolute_path(name: str, url: str) -> None:
    assert url_of(name) == url


@pytest.mark.parametrize("name", [":memory:", "file:memorydb_default?mode=memory&cache=shared"])
def test_a_database_in_memory_is_nothing_for_a_worker(name: str) -> None:
    with pytest.raises(ConfigurationError, match="in memory"):
        url_of(name)


@pytest.mark.parametrize("url", ["django://", "django://default", "django:///"])
def test_the_default_database_need_not_be_named(url: str) -> None:
    assert vendors.alias_in(url) == "default"


def test_a_kind_of_database_that_is_not_supported_is_an_error_that_says_what_to_do(run_python: Any) -> None:
    code = """
from sedano import current_app
try:
    current_app.broker
except Exception as error:
    print(type(error).__name__, error)
"""
    said = run_python(
        code,
        settings='DATABASES["default"] = {"ENGINE": "django.db.backends.dummy"}; CELERY_TASK_ROUTES = None',
    )

    assert said.startswith("ConfigurationError The database 'default' is")
    assert "CELERY_BROKER_URL" in said


class TestTablesThatAreMissing(TestCase):
    def test_publishing_says_what_to_run(self) -> None:
        from django.db import connection
        from shop.tasks import ship

        connection.cursor().execute("ALTER TABLE sedano_message RENAME TO moved")

        with pytest.raises(ConfigurationError, match=r"manage\.py migrate"):
            ship.delay(1)

    def test_asking_for_a_result_says_what_to_run(self) -> None:
        from django.db import connection

        connection.cursor().execute("ALTER TABLE sedano_result RENAME TO moved")

        with pytest.raises(ConfigurationError, match=r"manage\.py migrate"):
            current_app.AsyncResult("1").state  # noqa: B018
