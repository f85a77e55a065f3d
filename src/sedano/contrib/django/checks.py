"""Django's system checks of the queue: ``manage.py check``.

Registered when Django starts. Look at settings only, but for the one that is asked of a database.
"""

import sys
from collections.abc import Collection, Sequence
from typing import Any, Final

from django.apps import apps
from django.core import checks
from django.db import connections

from sedano.contrib.django.site_databases import queue_alias, results_alias
from sedano.contrib.django.vendors import vendor_of
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
    checks.register(check_tables, TAG, checks.Tags.database)


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
    try:
        alias = queue_alias(app)
        if alias is None:
            return []
        connection = connections[alias]
        vendor_of(alias)
    except ConfigurationError as error:
        return [checks.Error(str(error), id="sedano.E002")]
    found = _check_on_commit(settings)
    if connection.vendor == "sqlite":
        found += _check_sqlite(connection)
    return found


def check_tables(
    app_configs: object = None, databases: Collection[str] | None = None, **kwargs: object
) -> list[checks.CheckMessage]:
    """Whether all migrations have been run, where Django may ask a database: ``check --database default``."""
    app = get_current_app()
    try:
        used = {queue_alias(app), results_alias(app)}
    except ConfigurationError:
        return []  # the others tell
    # `migrate` asks before it does what we would ask for.
    if not apps.is_installed("sedano.contrib.django") or sys.argv[1:2] == ["migrate"]:
        return []
    missing = {alias: _missing_tables(connections[alias]) for alias in sorted(set(databases or ()) & used)}
    return [
        checks.Warning(
            f"The database {alias!r} does not have all of Sedano's tables: {', '.join(tables)} "
            f"{'is' if len(tables) == 1 else 'are'} missing. Calls and workers that need them fail.",
            hint=f"Run: python manage.py migrate --database={alias}",
            id="sedano.W005",
        )
        for alias, tables in missing.items()
        if tables
    ]


def _missing_tables(connection: Any) -> list[str]:
    present = connection.introspection.table_names()
    models = apps.get_app_config("sedano").get_models()
    return sorted({model._meta.db_table for model in models}.difference(present))


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
