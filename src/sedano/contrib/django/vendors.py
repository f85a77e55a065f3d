"""What each kind of database needs to be a broker and a result store: one table, by Django's vendor name.

Asked by the broker, the result store and the checks. A vendor is added here and nowhere else. Never runs a
statement.
"""

import os
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from django.db import connections
from django.utils.connection import ConnectionDoesNotExist

from sedano.errors import ConfigurationError, did_you_mean
from sedano.sql.message_row import INSERT_MESSAGE
from sedano.sql.sqlite_diagnosis import Diagnosis, diagnose
from sedano.sql.sqlite_location import SqliteLocation
from sedano.sql.statements import load_statements

#: The scheme of our URLs: ``django://default`` is the database ``default``.
SCHEME: Final = "django"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """One kind of database."""

    #: From a connection to the URL under which the vendor's own broker and store find the same database.
    own_url: Callable[[Any], str]
    #: Puts one message in; the parameters are a ``MessageRow``.
    insert_message: str
    #: Of the result store: ``put``, ``get``, ``get_many``, ``forget``, ``prune``.
    results: Mapping[str, str]
    #: Of its groups: the names are those in ``sqlite/groups.sql``.
    groups: Mapping[str, str]
    #: What an error of the driver means, on this connection.
    diagnose: Callable[[Any, BaseException], Diagnosis]
    #: Within a transaction, what others commit meanwhile can be seen.
    sees_commits_of_others: bool


def alias_in(url: str) -> str:
    """The database that a URL names: ``default`` in ``django://`` and ``django://default``.

    Raises:
        ConfigurationError: ``DATABASES`` has no such alias.
    """
    alias = urllib.parse.urlsplit(url).netloc or "default"
    if alias not in connections.settings:
        known = sorted(connections.settings)
        raise ConfigurationError(
            f"{url!r}: DATABASES has no {alias!r}.{did_you_mean(alias, known)} It has: {', '.join(known)}."
        )
    return alias


def vendor_of(alias: str) -> Vendor:
    """How the database of this alias is used.

    Raises:
        ConfigurationError: There is no such database, or this version does not support its kind.
    """
    try:
        connection = connections[alias]
    except ConnectionDoesNotExist as error:
        raise ConfigurationError(str(error)) from error
    vendor = VENDORS.get(connection.vendor)
    if vendor is None:
        raise ConfigurationError(
            f"The database {alias!r} is {connection.display_name}: this version of Sedano keeps messages and "
            f"results in {', '.join(sorted(VENDORS))} only. Name another broker: CELERY_BROKER_URL = "
            '"sqlite:////srv/sedano.db".'
        )
    return vendor


def own_url(url: str) -> str:
    """From ``django://default`` to the URL of the vendor's own broker and store on the same database."""
    alias = alias_in(url)
    return vendor_of(alias).own_url(connections[alias])


# -- SQLite


def in_memory(connection: Any) -> bool:
    """Whether a SQLite connection's database is gone when it is closed."""
    return bool(connection.is_in_memory_db())


def _sqlite_path(connection: Any) -> Path:
    name = os.fspath(connection.settings_dict["NAME"])
    if name.startswith("file:"):
        name = urllib.parse.unquote(urllib.parse.urlsplit(name).path)
    return Path(os.path.abspath(name))  # noqa: PTH100 - keeps symbolic links


def _sqlite_url(connection: Any) -> str:
    if in_memory(connection):
        raise ConfigurationError(
            f"The database {connection.alias!r} is in memory: no other process can see it, so no worker can "
            "work from it. Give it a file, or set CELERY_TASK_ALWAYS_EAGER in tests."
        )
    return f"sqlite:///{urllib.parse.quote(str(_sqlite_path(connection)))}?schema=external"


def _sqlite_diagnosis(connection: Any, error: BaseException) -> Diagnosis:
    path = Path(":memory:") if in_memory(connection) else _sqlite_path(connection)
    # Django raises errors of its own classes; sqlite3's error, which has the code, is their cause.
    return diagnose(error.__cause__ or error, SqliteLocation(path=path, schema="external"))  # type: ignore[arg-type]


def _for_django(statement: str) -> str:
    """A statement with Django's placeholders instead of sqlite3's."""
    return statement.replace("%", "%%").replace("?", "%s")


def _sqlite_statements(file_name: str) -> Mapping[str, str]:
    """A file of the SQLite result store's statements."""
    statements = load_statements("sedano.results.sqlite", file_name)
    return MappingProxyType({name: _for_django(statement) for name, statement in statements.items()})


VENDORS: Final[Mapping[str, Vendor]] = MappingProxyType(
    {
        "sqlite": Vendor(
            own_url=_sqlite_url,
            insert_message=_for_django(INSERT_MESSAGE),
            results=_sqlite_statements("results.sql"),
            groups=_sqlite_statements("groups.sql"),
            diagnose=_sqlite_diagnosis,
            # A transaction sees one state of the file, from its first read to its end.
            sees_commits_of_others=False,
        ),
    }
)
