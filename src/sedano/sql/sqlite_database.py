"""One SQLite database: transactions with a deadline, on a connection for each thread.

Used by the SQLite broker and the SQLite result store, each with an instance of its own. Knows no table but
through the schema file. Raises only what its ``translate`` makes of SQLite's errors.
"""

import contextlib
import os
import random
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, TypeVar

from sedano.sql.sqlite_diagnosis import Diagnosis, diagnose, is_busy
from sedano.sql.sqlite_location import SqliteLocation
from sedano.sql.statements import load_statements
from sedano.sql.thread_connections import ThreadConnection, ThreadConnections

T = TypeVar("T")

_SCHEMA: Final = load_statements("sedano.sql", "schema.sql")

#: Pages (of 4 KiB) in the write-ahead log before a commit moves them into the file. SQLite's own default of
#: 1,000 makes batches with results a quarter slower: hot pages are copied, and synced, ten times as often.
_CHECKPOINT_PAGES: Final = 10_000

#: Sleeps between attempts to get a lock: from about the length of a publication to that of a batch.
#: SQLite's own busy handler sleeps whole milliseconds, up to 100 of them.
_SHORTEST_SLEEP: Final = 0.00005
_LONGEST_SLEEP: Final = 0.002

#: How often to look whether the file is still the one that was opened. Somebody who deletes it wants to
#: start anew; writing on into the deleted file would lose messages.
_IDENTITY_CHECK_INTERVAL: Final = 1.0


class SqliteDatabase:
    """Thread-safe; survives a fork.

    Args:
        location: Where the file is.
        deadline: How long a call may take while other processes hold the lock. Real waiting is limited
            by it, so it is measured with this machine's monotonic clock, not with a handed-in one.
        translate: Makes the error to raise from a diagnosis.
    """

    def __init__(
        self,
        location: SqliteLocation,
        *,
        deadline: timedelta,
        translate: Callable[[Diagnosis], Exception],
    ) -> None:
        self.location = location
        self._deadline = deadline.total_seconds()
        self._translate = translate
        self._connections = ThreadConnections()
        #: Device and inode of the file that is known to have the tables.
        self._prepared: tuple[int, int] | None = None

    def execute(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> int:
        """Run one writing statement in a transaction of its own; returns how many rows it changed.

        The fastest way to write: SQLite begins and commits by itself.
        """
        place = self._connections.mine()
        with place.lock:
            try:
                return self._open(place).execute(sql, parameters).rowcount
            except sqlite3.Error as error:
                if is_busy(error):
                    return self._insist(
                        place, lambda connection: connection.execute(sql, parameters).rowcount
                    )
                raise self._failed(place, error) from error

    def write(self, step: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``step`` in one transaction, committed when it returns and rolled back when it raises.

        It holds the write lock from its first line. It may be called again if the lock could not be had,
        so it changes nothing but the database.
        """

        def transaction(connection: sqlite3.Connection) -> T:
            connection.execute("BEGIN IMMEDIATE")
            try:
                outcome = step(connection)
                connection.execute("COMMIT")
            except BaseException:
                _roll_back(connection)
                raise
            return outcome

        place = self._connections.mine()
        with place.lock:
            return self._insist(place, transaction)

    def read(self, step: Callable[[sqlite3.Connection], T]) -> T:
        """Run a reading ``step``. Each of its statements sees one state of the database."""
        place = self._connections.mine()
        with place.lock:
            return self._insist(place, step)

    def close(self) -> None:
        """Close every thread's connection. Idempotent; they are opened again when used again."""
        self._connections.close()

    # -- opening

    def _open(self, place: ThreadConnection) -> sqlite3.Connection:
        connection = place.connection
        now = time.monotonic()
        if connection is None:
            connection = self._connect(place)
        elif now >= place.look_again_at and self._identity() != place.file:
            self._prepared = None  # The new file may well have the inode number of the old one.
            connection = self._connect(place)
        if now >= place.look_again_at:
            place.look_again_at = now + _IDENTITY_CHECK_INTERVAL
        return connection

    def _connect(self, place: ThreadConnection) -> sqlite3.Connection:
        place.close()
        if self.location.schema == "external" and not self.location.path.exists():
            # SQLite would make an empty file, and hide that the path is wrong.
            raise self._translate(
                Diagnosis(
                    f"there is no database at {self.location.path}. Run: manage.py migrate",
                    configuration=True,
                )
            )
        # Threads share nothing; but the last one to know a connection may be another than its own.
        connection = sqlite3.connect(
            self.location.path, timeout=0, isolation_level=None, check_same_thread=False, cached_statements=64
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            connection.execute(f"PRAGMA synchronous = {self.location.synchronous}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            # Debian's SQLite overwrites what is deleted with zeros unless told not to.
            connection.execute("PRAGMA secure_delete = OFF")
            file = self._identity()
            if file is None or file != self._prepared:
                self._make_tables(connection)
                self._prepared = file
        except BaseException:
            connection.close()
            raise
        place.connection, place.file = connection, file
        return connection

    def _make_tables(self, connection: sqlite3.Connection) -> None:
        """Make the tables and indices that are missing, unless somebody else is to make them."""
        present = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        missing = [name for name in _SCHEMA if f"sedano_{name}" not in present]
        if not missing:
            return
        if self.location.schema == "external":
            self._refuse_without(missing)
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in _SCHEMA.values():
                connection.execute(statement)
            connection.execute("COMMIT")
        except BaseException:
            _roll_back(connection)
            raise

    def _refuse_without(self, missing: Sequence[str]) -> None:
        tables = [f"sedano_{name}" for name in missing if _SCHEMA[name].startswith("CREATE TABLE")]
        if tables:
            raise self._translate(
                Diagnosis(
                    f"{self.location.path} does not have all of Sedano's tables (missing: "
                    f"{', '.join(tables)}). Run: manage.py migrate",
                    configuration=True,
                )
            )

    def _identity(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self.location.path)  # noqa: PTH116 - a third of the time of Path.stat
        except OSError:
            return None
        return status.st_dev, status.st_ino

    # -- waiting for the lock, and errors

    def _insist(self, place: ThreadConnection, step: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``step`` until no other process is in the way, or the deadline has passed."""
        sleep = _SHORTEST_SLEEP
        deadline: float | None = None
        while True:
            try:
                return step(self._open(place))
            except sqlite3.Error as error:
                now = time.monotonic()
                deadline = deadline or now + self._deadline
                if not is_busy(error) or now >= deadline:
                    raise self._failed(place, error) from error
            # Random, so that two that wait do not meet again and again.
            time.sleep(sleep * random.uniform(0.5, 1.0))
            sleep = min(sleep * 2, _LONGEST_SLEEP)

    def _failed(self, place: ThreadConnection, error: sqlite3.Error) -> Exception:
        """The error to raise. The connection is given up where the error may be its fault."""
        if not is_busy(error):
            self._prepared = None
            with contextlib.suppress(sqlite3.Error):
                place.close()
        return self._translate(diagnose(error, self.location))


def _roll_back(connection: sqlite3.Connection) -> None:
    # Some errors (a full disk) have already ended the transaction; and one must not hide the other.
    with contextlib.suppress(sqlite3.Error):
        if connection.in_transaction:
            connection.execute("ROLLBACK")
