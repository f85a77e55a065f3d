"""Looking at the SQLite broker and steering it.

Used by the command line through ``SqliteBroker.admin``. Never holds the write lock for long.
"""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from sedano.brokers.admin import DeadLetter, NodeRecord, QueueDepth, Remark, StoredMessage, Substitute
from sedano.brokers.sqlite.message_rows import envelope_of
from sedano.brokers.sqlite.statements import STATEMENTS
from sedano.clock import Clock
from sedano.sql.message_row import INSERT_MESSAGE, message_row
from sedano.sql.sqlite_database import SqliteDatabase

#: Messages deleted in one transaction: some milliseconds, so that nobody is kept from publishing.
_CHUNK: Final = 1000


class SqliteAdmin:
    """A ``BrokerAdmin``."""

    def __init__(self, database: SqliteDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def queues(self) -> list[str]:
        return [queue for (queue,) in self._rows("queues")]

    def depth(self, queue: str) -> QueueDepth:
        now = self._clock.timestamp()
        (row,) = self._rows("depth", queue=queue, now=now)
        ready, ripe, scheduled, claimed, parked, ready_since, ripe_since, paused = row
        oldest = min((since for since in (ready_since, ripe_since) if since is not None), default=None)
        return QueueDepth(
            queue=queue,
            ready=ready + ripe,
            scheduled=scheduled,
            claimed=claimed,
            parked=parked,
            oldest_age=None if oldest is None else max(0.0, now - oldest),
            paused=bool(paused),
        )

    def peek(self, queue: str, *, limit: int = 50) -> list[StoredMessage]:
        now = self._clock.timestamp()
        rows = self._rows("peek_ready", queue=queue, limit=limit)
        rows += self._rows("peek_ripe", queue=queue, limit=limit, now=now)
        rows.sort(key=lambda row: (-row[4], row[8]))
        for name in ("peek_scheduled", "peek_claimed", "peek_parked"):
            if len(rows) < limit:
                rows += self._rows(name, queue=queue, limit=limit - len(rows), now=now)
        return [_stored_message(row) for row in rows[:limit]]

    def find(self, task_id: str) -> StoredMessage | None:
        rows = self._rows("find", task_ids=json.dumps([task_id]), now=self._clock.timestamp())
        return _stored_message(rows[0]) if rows else None

    def revoke(self, *task_ids: str, instead: Substitute | None = None) -> set[str]:
        rows = self._rows("find", task_ids=json.dumps(task_ids), now=self._clock.timestamp())
        revoked: set[str] = set()
        for start in range(0, len(rows), _CHUNK):
            revoked |= self._revoke(rows[start : start + _CHUNK], instead)
        return revoked

    def _revoke(self, rows: Sequence[tuple[Any, ...]], instead: Substitute | None) -> set[str]:
        found = [(row[8], _stored_message(row)) for row in rows]
        substitutes = [None if instead is None else instead(message) for _, message in found]
        now = self._clock.timestamp()

        def replace(connection: sqlite3.Connection) -> set[str]:
            revoked: set[str] = set()
            for (key, message), substitute in zip(found, substitutes, strict=True):
                if connection.execute(STATEMENTS["revoke"], {"id": key}).rowcount > 0:
                    revoked.add(message.task_id)
                    if substitute is not None:
                        connection.execute(INSERT_MESSAGE, message_row(substitute, now))
            return revoked

        return self._database.write(replace)

    def purge(self, queue: str) -> int:
        # What is published while we purge stays: otherwise a busy publisher would keep us here for good.
        ((newest,),) = self._rows("newest_message")
        parameters = {"queue": queue, "newest": newest, "limit": _CHUNK}
        purged = 0
        for name in ("purge_ready", "purge_scheduled", "purge_parked"):
            deleted = _CHUNK
            while deleted == _CHUNK:
                deleted = self._write(name, parameters)
                purged += deleted
        return purged

    def pause(self, queue: str) -> None:
        self._database.execute(STATEMENTS["pause"], (queue,))

    def resume(self, queue: str) -> None:
        self._database.execute(STATEMENTS["resume"], (queue,))

    def dead_letters(self, *, limit: int = 50) -> list[DeadLetter]:
        rows = self._database.read(lambda c: c.execute(STATEMENTS["dead_letters"], (limit,)).fetchall())
        return [_dead_letter(row) for row in rows]

    def replay(self, keys: Sequence[int]) -> int:
        parameters = {"keys": json.dumps(list(keys)), "now": self._clock.timestamp()}

        def publish_and_delete(connection: sqlite3.Connection) -> int:
            connection.execute(STATEMENTS["replay"], parameters)
            return connection.execute(STATEMENTS["discard"], parameters).rowcount

        return self._database.write(publish_and_delete)

    def discard(self, keys: Sequence[int]) -> int:
        return self._write("discard", {"keys": json.dumps(list(keys))})

    def nodes(self) -> list[NodeRecord]:
        return [NodeRecord(*row) for row in self._rows("nodes")]

    def remarks(self) -> list[Remark]:
        return []  # the adapter sets its files up itself; how they are synced is said in the URL

    def _rows(self, name: str, **parameters: Any) -> list[tuple[Any, ...]]:
        return self._database.read(lambda c: c.execute(STATEMENTS[name], parameters).fetchall())

    def _write(self, name: str, parameters: dict[str, Any]) -> int:
        return self._database.write(lambda c: c.execute(STATEMENTS[name], parameters).rowcount)


def _stored_message(row: tuple[Any, ...]) -> StoredMessage:
    task_id, task, queue, state, priority, due, crashes, envelope, _ = row
    return StoredMessage(task_id, task, queue, state, priority, due, crashes, envelope_of(envelope))


def _dead_letter(row: tuple[Any, ...]) -> DeadLetter:
    key, task_id, task, queue, reason, crashes, buried_at, envelope, priority = row
    return DeadLetter(key, task_id, task, queue, reason, crashes, buried_at, envelope_of(envelope), priority)
