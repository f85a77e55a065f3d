"""Results in a SQLite file, beside the messages of the SQLite broker or alone.

Opened by ``results.opening`` for ``sqlite:`` URLs. Never looks into a document.
"""

import json
import sqlite3
import threading
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from sedano.clock import Clock, SystemClock
from sedano.errors import ConfigurationError, ResultStoreError, ResultStoreUnavailable
from sedano.results.group_store import GroupStore, JointGroups
from sedano.results.result_write import ResultWrite
from sedano.results.sqlite.groups import SqliteGroups, SqliteJointGroups
from sedano.results.sqlite.result_change import ResultChange, data_version
from sedano.results.store import JointResults
from sedano.sql.commit_wait import CommitWait
from sedano.sql.sqlite_database import SqliteDatabase
from sedano.sql.sqlite_diagnosis import Diagnosis
from sedano.sql.sqlite_location import SqliteLocation
from sedano.sql.statements import load_statements

_STATEMENTS: Final = load_statements(__package__, "results.sql")
_PUT: Final = _STATEMENTS["put"]

#: ``wait`` returns by itself after this long: for a change that came before it began.
_LONGEST_WAIT: Final = 0.25


class SqliteResultStore:
    """A ``ResultStore``.

    Args:
        location: The database file.
        timeout: How long any call may take while others hold the file's lock.
        clock: Its wall time is what expiry is compared with.
    """

    name = "sqlite"
    push = True

    def __init__(
        self,
        location: SqliteLocation,
        *,
        timeout: timedelta = timedelta(seconds=2),
        clock: Clock | None = None,
    ) -> None:
        self.location = location.identity
        self._clock = clock or SystemClock()
        self._database = SqliteDatabase(location, deadline=timeout, translate=_translate)
        self._joint_groups = SqliteJointGroups(self._clock)
        self._joint = SqliteJointResults(self._joint_groups, self._clock)
        self.groups: GroupStore = SqliteGroups(self._database, self._joint_groups)
        self._seen = threading.local()

    @classmethod
    def from_url(
        cls, url: str, *, options: Mapping[str, Any], timeout: timedelta, clock: Clock, base_dir: Path
    ) -> "SqliteResultStore":
        """As ``results.opening`` calls it."""
        location = SqliteLocation.from_url(url, base_dir=base_dir, options=options)
        return cls(location, timeout=timeout, clock=clock)

    def put(self, writes: Sequence[ResultWrite]) -> None:
        if writes:
            self._database.write(lambda connection: self._joint.write(connection, writes))

    def get(self, task_id: str) -> bytes | None:
        parameters = (task_id, self._clock.timestamp())
        self._seen.version = self._database.read(data_version)
        row = self._database.read(lambda c: c.execute(_STATEMENTS["get"], parameters).fetchone())
        return None if row is None else bytes(row[0])

    def get_many(self, task_ids: Collection[str]) -> Mapping[str, bytes]:
        self._seen.version = self._database.read(data_version)
        return self._database.read(lambda connection: self._documents(connection, task_ids))

    def _documents(self, connection: sqlite3.Connection, task_ids: Collection[str]) -> dict[str, bytes]:
        parameters = (json.dumps(list(task_ids)), self._clock.timestamp())
        return {
            task_id: bytes(document)
            for task_id, document in connection.execute(_STATEMENTS["get_many"], parameters)
        }

    def wait(self, task_ids: Collection[str], timeout: float | None) -> None:
        change = ResultChange(
            look=lambda connection: self._documents(connection, task_ids),
            version=getattr(self._seen, "version", None),
        )
        commits = CommitWait(self._database.location)
        try:
            commits.until(
                lambda: 0.0 if self._database.read(change.has_come) else float("inf"),
                _LONGEST_WAIT if timeout is None else min(timeout, _LONGEST_WAIT),
            )
        finally:
            commits.close()

    def forget(self, task_id: str) -> None:
        self._database.execute(_STATEMENTS["forget"], (task_id,))

    def prune(self, *, limit: int = 1000) -> int:
        now = self._clock.timestamp()

        def delete_expired(connection: sqlite3.Connection) -> int:
            deleted = connection.execute(_STATEMENTS["prune"], (now, limit)).rowcount
            return deleted + self._joint_groups.within(connection).prune(limit - deleted)

        return self._database.write(delete_expired)

    def joint_with(self, broker_location: str) -> JointResults | None:
        return self._joint if broker_location == self.location else None

    def close(self) -> None:
        self._database.close()


class SqliteJointResults:
    """The ``JointResults`` of a SQLite broker on the same file; its transactions are connections."""

    def __init__(self, groups: JointGroups, clock: Clock) -> None:
        self.groups = groups
        self._clock = clock

    def write(self, transaction: sqlite3.Connection, writes: Sequence[ResultWrite]) -> None:
        """Store results in a transaction that the broker has open."""
        now = self._clock.timestamp()
        transaction.executemany(_PUT, [(w.task_id, w.state, w.document, w.expires_at, now) for w in writes])


def _translate(diagnosis: Diagnosis) -> Exception:
    error: type[Exception] = ResultStoreUnavailable if diagnosis.passing else ResultStoreError
    if diagnosis.configuration:
        error = ConfigurationError
    return error(f"The sqlite result store: {diagnosis.reason}")
