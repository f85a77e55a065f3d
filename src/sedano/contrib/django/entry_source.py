"""The entries in the site's database, for schedulers: an ``EntrySource``.

Given to every application by ``wiring``. Reads on Django's connection; where the database cannot be asked,
schedulers go on with what they know.
"""

import logging
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, connections, router

from sedano.beat.entry import Entry
from sedano.contrib.django.entry_changes import read_changes
from sedano.errors import ConfigurationError

if TYPE_CHECKING:
    from sedano.app import Sedano

logger = logging.getLogger("sedano.beat")

_ERRORS = (DatabaseError, InterfaceError, ImproperlyConfigured)


class SiteEntries:
    """An ``EntrySource``. Used by one thread."""

    def __init__(self, app: "Sedano") -> None:
        self._app = app
        self._known: list[Entry] = []
        #: Times that they could not be read; growing, it has them asked for again.
        self._failures = 0
        self._is_behind = False

    def entries(self) -> tuple[list[Entry], list[ConfigurationError]]:
        alias = _alias()
        if alias is None:
            return [], []
        try:
            rows = list(_model().objects.using(alias))
        except _ERRORS as error:
            return self._known, self._failed(alias, error)
        self._is_behind = False
        self._known, wrong = [], []
        for row in rows:
            try:
                self._known.append(row.entry(self._app))
            except ConfigurationError as problem:
                wrong.append(problem)
        return self._known, wrong

    def changes(self) -> object:
        alias = _alias()
        if alias is None:
            return None
        try:
            number = read_changes(alias)
        except _ERRORS:
            self._hang_up(alias)
            number = -1
        return number, self._failures

    def _failed(self, alias: str, error: Exception) -> list[ConfigurationError]:
        """Have it tried again. What is to be told of it, where no entries are known from before."""
        self._hang_up(alias)
        self._failures += 1
        why = f"The entries of the schedule in the database {alias!r} cannot be read: {error}"
        if not self._is_behind and self._known:
            logger.warning("%s. Those that were read before go on.", why)
        self._is_behind = True
        return [] if self._known else [ConfigurationError(f"{why}. Run `migrate` if it was not run yet.")]

    def _hang_up(self, alias: str) -> None:
        """Have a connection that is broken replaced."""
        if not connections[alias].in_atomic_block:
            connections[alias].close_if_unusable_or_obsolete()


def _alias() -> str | None:
    """The database that the entries are in; None where the site's routers keep its tables out."""
    model = _model()
    alias = str(router.db_for_write(model))
    return alias if router.allow_migrate_model(alias, model) else None


def _model() -> Any:
    # This module is imported in sites, too, that do not have the app, and so cannot have its models.
    return apps.get_model("sedano", "PeriodicTask")
