"""Groups and chords in the site's database, on Django's own connection: part of the caller's transaction.

Made by ``DjangoResultStore``. Inside a coroutine, where Django's connections must not be used, it leaves
everything to the vendor's own store.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.db import connections, transaction

from sedano.clock import Clock
from sedano.contrib.django.async_context import in_async_context
from sedano.contrib.django.result_errors import translated_errors
from sedano.contrib.django.vendors import vendor_of
from sedano.results.group_store import ChordEnd, ChordPart, GroupStore
from sedano.results.group_tables import GroupTables

T = TypeVar("T")


class _Statements:
    """``GroupStatements`` on a cursor of Django's."""

    def __init__(self, alias: str, cursor: Any) -> None:
        self._statements = vendor_of(alias).groups
        self._cursor = cursor

    def rows(self, name: str, *parameters: Any) -> list[tuple[Any, ...]]:
        self._cursor.execute(self._statements[name], parameters)
        rows: list[tuple[Any, ...]] = self._cursor.fetchall()
        return rows

    def change(self, name: str, *parameters: Any) -> int:
        self._cursor.execute(self._statements[name], parameters)
        return int(self._cursor.rowcount)


class DjangoGroups:
    """A ``GroupStore``.

    Args:
        alias: The database.
        own_groups: Those of the vendor's own store.
    """

    def __init__(self, alias: str, clock: Clock, own_groups: Callable[[], GroupStore]) -> None:
        self._alias = alias
        self._clock = clock
        self._own_groups = own_groups

    def save(self, group_id: str, document: bytes, *, expires_at: float | None) -> None:
        if in_async_context():
            self._own_groups().save(group_id, document, expires_at=expires_at)
        else:
            self._within(lambda tables: tables.save(group_id, document, expires_at))

    def get(self, group_id: str) -> bytes | None:
        if in_async_context():
            return self._own_groups().get(group_id)
        return self._look(lambda tables: tables.get(group_id))

    def forget(self, group_id: str) -> None:
        if in_async_context():
            self._own_groups().forget(group_id)
        else:
            self._within(lambda tables: tables.forget(group_id))

    def prune(self, limit: int) -> int:
        """Delete at most so many expired groups, chords and parts; returns how many."""
        return self._within(lambda tables: tables.prune(limit))

    def begin_chord(self, group_id: str, size: int, *, expires_at: float | None) -> None:
        if in_async_context():
            self._own_groups().begin_chord(group_id, size, expires_at=expires_at)
        else:
            self._within(lambda tables: tables.begin_chord(group_id, size, expires_at))

    def add_parts(self, parts: Sequence[ChordPart]) -> list[bool]:
        if in_async_context():
            return self._own_groups().add_parts(parts)
        return self._within(lambda tables: tables.add_parts(parts)) if parts else []

    def has_part(self, part: ChordPart) -> bool:
        if in_async_context():
            return self._own_groups().has_part(part)
        return self._look(lambda tables: tables.has_part(part))

    def parts(self, group_id: str) -> list[bytes]:
        if in_async_context():
            return self._own_groups().parts(group_id)
        return self._look(lambda tables: tables.parts(group_id))

    def may_end(self, end: ChordEnd) -> bool:
        if in_async_context():
            return self._own_groups().may_end(end)
        return self._within(lambda tables: tables.may_end(end))

    def end_chord(self, end: ChordEnd) -> None:
        if in_async_context():
            self._own_groups().end_chord(end)
        else:
            self._within(lambda tables: tables.end_chord(end))

    def extend_chord(self, group_id: str, members: int, by: str = "") -> None:
        if in_async_context():
            self._own_groups().extend_chord(group_id, members, by)
        else:
            self._within(lambda tables: tables.extend_chord(group_id, members, by))

    def _within(self, step: Callable[[GroupTables], T]) -> T:
        """Do it in one transaction: the caller's, or one of its own."""
        with translated_errors(self._alias), transaction.atomic(using=self._alias):
            return self._on_cursor(step)

    def _look(self, step: Callable[[GroupTables], T]) -> T:
        """Only read: no transaction is begun, which would stand in a writer's way."""
        with translated_errors(self._alias):
            return self._on_cursor(step)

    def _on_cursor(self, step: Callable[[GroupTables], T]) -> T:
        with connections[self._alias].cursor() as cursor:
            return step(GroupTables(_Statements(self._alias, cursor), self._clock.timestamp()))
