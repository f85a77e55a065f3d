"""Django's system checks of the queue: ``manage.py check``.

Registered when Django starts. Looks at settings only; never opens a connection.
"""

from collections.abc import Sequence
from typing import Any, Final

from django.core import checks
from django.db import connections

from sedano import locations
from sedano.contrib.django.vendors import SCHEME, alias_in, vendor_of
from sedano.current import get_current_app
from sedano.errors import ConfigurationError
from sedano.settings.sections import Settings

TAG: Final = "sedano"

#: The options that let a site and its workers share a SQLite file.
SQLITE_OPTIONS: Final = {
    "transaction_mode": '"IMMEDIATE"',
    "timeout": "20",
    "init_command": '"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"',
}


def register() -> None:
    """Make the checks known to Django."""
    checks.register(check_settings, TAG)
    checks.register(check_database, TAG)


def check_settings(app_configs: object = None, **kwargs: object) -> list[checks.CheckMessage]:
    """Wrong, misspelt and ineffective settings."""
    conf = get_current_app().conf
    try:
        warnings = conf.warnings
    except ConfigurationError as error:
        return [checks.Error(line, id="sedano.E001") for line in str(error).splitlines()]
    return [checks.Warning(line, id="sedano.W001") for line in warnings]


def check_database(app_configs: object = None, **kwargs: object) -> list[checks.CheckMessage]:
    """Whether the site's database can be the queue, where it is to be."""
    app = get_current_app()
    try:
        settings = app.settings
    except ConfigurationError:
        return []  # check_settings tells
    url = locations.broker_url(settings, app.default_broker_url, {})
    if url.partition(":")[0] != SCHEME:
        return []
    try:
        connection = connections[alias_in(url)]
        vendor_of(connection.alias)
    except ConfigurationError as error:
        return [checks.Error(str(error), id="sedano.E002")]
    found = _check_on_commit(settings)
    if connection.vendor == "sqlite":
        found += _check_sqlite(connection)
    return found


def _check_on_commit(settings: Settings) -> list[checks.CheckMessage]:
    if settings.tasks.publish_on_commit:
        return []
    return [
        checks.Warning(
            "task_publish_on_commit: False has no effect, because the messages are rows of the site's "
            "database and so take part in its transactions.",
            id="sedano.W004",
        )
    ]


def _check_sqlite(connection: Any) -> list[checks.CheckMessage]:
    if connection.is_in_memory_db():
        # The test runner puts its databases there, and says so by the name.
        if str(connection.settings_dict["NAME"]).startswith("file:memorydb_"):
            return []
        return [
            checks.Warning(
                f"The database {connection.alias!r} is in memory, where no worker can see its tasks.",
                hint="Give it a file, or run tasks with CELERY_TASK_ALWAYS_EAGER = True.",
                id="sedano.W003",
            )
        ]
    missing = _missing_options(connection.settings_dict.get("OPTIONS") or {})
    if not missing:
        return []
    lines = ", ".join(f'"{name}": {SQLITE_OPTIONS[name]}' for name in missing)
    return [
        checks.Warning(
            f"The database {connection.alias!r} is not set up for several processes that write: requests and "
            'tasks may fail with "database is locked".',
            hint=f'Set DATABASES["{connection.alias}"]["OPTIONS"] = {{{lines}}}',
            id="sedano.W002",
        )
    ]


def _missing_options(options: dict[str, Any]) -> Sequence[str]:
    settled = {
        # A transaction that begins by reading cannot wait for its turn to write: SQLite fails it at once.
        "transaction_mode": str(options.get("transaction_mode") or "").upper() in ("IMMEDIATE", "EXCLUSIVE"),
        "timeout": "timeout" in options,
        "init_command": "wal" in str(options.get("init_command") or "").lower(),
    }
    if settled["transaction_mode"] and settled["init_command"]:
        return []
    return [name for name, is_settled in settled.items() if not is_settled]
