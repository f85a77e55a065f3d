"""Groups and chords in a SQLite file.

Made by ``SqliteResultStore``. Never looks into a document.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from sedano.clock import Clock
from sedano.results.group_store import ChordEnd, ChordPart
from sedano.results.group_tables import GroupTables
from sedano.sql.sqlite_database import SqliteDatabase
from sedano.sql.statements import load_statements

_STATEMENTS: Final = load_statements(__package__, "groups.sql")


class _Statements:
    """``GroupStatements`` on a connection."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, name: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(_STATEMENTS[name], parameters).fetchall()

    def change(self, name: str, *parameters: Any) -> int:
        return self._connection.execute(_STATEMENTS[name], parameters).rowcount


class SqliteJointGroups:
    """The ``JointGroups`` of a SQLite broker on the same file; its transactions are connections."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def within(self, transaction: sqlite3.Connection) -> GroupTables:
        """All of it, within this transaction."""
        return GroupTables(_Statements(transaction), self._clock.timestamp())

    def extend_chord(
        self, transaction: sqlite3.Connection, group_id: str, members: int, by: str = ""
    ) -> None:
        self.within(transaction).extend_chord(group_id, members, by)

    def add_parts(self, transaction: sqlite3.Connection, parts: Sequence[ChordPart]) -> list[bool]:
        return self.within(transaction).add_parts(parts)

    def has_part(self, transaction: sqlite3.Connection, part: ChordPart) -> bool:
        return self.within(transaction).has_part(part)

    def is_to_end(self, transaction: sqlite3.Connection, part: ChordPart) -> bool:
        return self.within(transaction).is_to_end(part)

    def take_end(self, transaction: sqlite3.Connection, end: ChordEnd) -> bool:
        return self.within(transaction).take_end(end)


class SqliteGroups:
    """A ``GroupStore``."""

    def __init__(self, database: SqliteDatabase, joint: SqliteJointGroups) -> None:
        self._database = database
        self._within = joint.within

    def save(self, group_id: str, document: bytes, *, expires_at: float | None) -> None:
        self._database.write(lambda c: self._within(c).save(group_id, document, expires_at))

    def get(self, group_id: str) -> bytes | None:
        return self._database.read(lambda c: self._within(c).get(group_id))

    def forget(self, group_id: str) -> None:
        self._database.write(lambda c: self._within(c).forget(group_id))

    def begin_chord(self, group_id: str, size: int, *, expires_at: float | None) -> None:
        self._database.write(lambda c: self._within(c).begin_chord(group_id, size, expires_at))

    def extend_chord(self, group_id: str, members: int, by: str = "") -> None:
        self._database.write(lambda c: self._within(c).extend_chord(group_id, members, by))

    def add_parts(self, parts: Sequence[ChordPart]) -> list[bool]:
        return self._database.write(lambda c: self._within(c).add_parts(parts)) if parts else []

    def has_part(self, part: ChordPart) -> bool:
        return self._database.read(lambda c: self._within(c).has_part(part))

    def parts(self, group_id: str) -> list[bytes]:
        return self._database.read(lambda c: self._within(c).parts(group_id))

    def may_end(self, end: ChordEnd) -> bool:
        return self._database.write(lambda c: self._within(c).may_end(end))

    def end_chord(self, end: ChordEnd) -> None:
        self._database.write(lambda c: self._within(c).end_chord(end))
