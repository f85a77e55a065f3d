"""What schedulers know together, in a SQLite file.

Used by schedulers through ``SqliteBroker.ticks``.
"""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import msgspec

from sedano.brokers.publication import Publication
from sedano.brokers.ticks import EntryState, Tick, Unpublished
from sedano.sql.message_row import INSERT_MESSAGE, message_row
from sedano.sql.sqlite_database import SqliteDatabase
from sedano.sql.statements import load_statements

_STATEMENTS: Final = load_statements(__package__, "ticks.sql")


class SqliteTicks:
    """A ``TickStore``."""

    publishes = True

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    def states(self, entries: Collection[str], *, now: float) -> Mapping[str, EntryState]:
        names = list(dict.fromkeys(entries))
        if not names:
            return {}
        found = self._database.read(lambda connection: _states(connection, names))
        missing = [name for name in names if name not in found]
        if not missing:
            return found

        def see(connection: sqlite3.Connection) -> dict[str, EntryState]:
            rows = [{"name": name, "now": now} for name in missing]
            connection.executemany(_STATEMENTS["see_entry"], rows)
            return _states(connection, names)

        return self._database.write(see)

    def claim(self, ticks: Sequence[Tick], *, now: float, keep: bool = False) -> list[bool]:
        if not ticks:
            return []
        return self._database.write(
            lambda connection: [_claim(connection, tick, now, keep=keep) for tick in ticks]
        )

    def unpublished(self, *, limit: int) -> Sequence[Unpublished]:
        rows: list[tuple[bytes, float]] = self._database.read(
            lambda connection: connection.execute(_STATEMENTS["unpublished"], {"limit": limit}).fetchall()
        )
        return [Unpublished(_read_publication(packed), since) for packed, since in rows]

    def take_over(self, kept: Sequence[Unpublished], *, now: float) -> list[Unpublished]:
        def take(connection: sqlite3.Connection) -> list[Unpublished]:
            return [
                msgspec.structs.replace(one, since=now)
                for one in kept
                if connection.execute(_STATEMENTS["take_over"], {**_named(one), "now": now}).rowcount
            ]

        return self._database.write(take) if kept else []

    def published(self, kept: Sequence[Unpublished]) -> None:
        def forget(connection: sqlite3.Connection) -> None:
            connection.executemany(_STATEMENTS["published"], [_named(one) for one in kept])

        if kept:
            self._database.write(forget)

    def restart(self, entry: str, *, since: float, now: float) -> bool:
        named = {"name": entry, "since": since, "now": now}
        return bool(self._database.execute(_STATEMENTS["restart_entry"], named))

    def pause(self, entry: str, *, now: float) -> bool:
        return self._change("pause_entry", name=entry)

    def resume(self, entry: str, *, now: float) -> bool:
        return self._change("resume_entry", name=entry, now=now)

    def write(self, entry: str, document: bytes, *, now: float) -> None:
        self._change("write_entry", name=entry, document=document, now=now)

    def remove(self, entry: str) -> bool:
        return self._change("remove_entry", name=entry)

    def _change(self, statement: str, **named: Any) -> bool:
        def change(connection: sqlite3.Connection) -> bool:
            count = connection.execute(_STATEMENTS[statement], named).rowcount
            connection.execute(_STATEMENTS["count_change"])
            return count > 0

        return self._database.write(change)

    def documents(self) -> Mapping[str, bytes]:
        rows: list[tuple[str, bytes]] = self._database.read(
            lambda connection: connection.execute(_STATEMENTS["entry_documents"]).fetchall()
        )
        return dict(rows)

    def changes(self) -> int:
        row = self._database.read(
            lambda connection: connection.execute(_STATEMENTS["schedule_changes"]).fetchone()
        )
        return row[0] if row is not None else 0


def _states(connection: sqlite3.Connection, names: Sequence[str]) -> dict[str, EntryState]:
    rows = connection.execute(_STATEMENTS["entry_states"], {"names": json.dumps(names)})
    return {name: EntryState(since, last, runs, bool(paused)) for name, since, last, runs, paused in rows}


def _claim(connection: sqlite3.Connection, tick: Tick, now: float, *, keep: bool) -> bool:
    named = {
        "name": tick.entry,
        "since": tick.since,
        "due": tick.due,
        "now": now,
        "run": tick.publication is not None,
    }
    if connection.execute(_STATEMENTS["claim_tick"], named).rowcount == 0:
        return False
    if tick.publication is not None and keep:
        packed = {"task": tick.publication.task, "packed": msgspec.msgpack.encode(tick.publication)}
        connection.execute(_STATEMENTS["keep"], {**_named(Unpublished(tick.publication, now)), **packed})
    elif tick.publication is not None:
        connection.execute(INSERT_MESSAGE, message_row(tick.publication, now))
    return True


def _named(kept: Unpublished) -> dict[str, Any]:
    return {"task_id": kept.publication.task_id, "since": kept.since}


_read_publication: Final = msgspec.msgpack.Decoder(Publication).decode
