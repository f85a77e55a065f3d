"""Transactions with a deadline, on connections that belong to threads and survive forks."""

import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from sedano.sql.sqlite_database import SqliteDatabase
from sedano.sql.sqlite_diagnosis import Diagnosis
from sedano.sql.sqlite_location import SqliteLocation

PAUSE = "INSERT INTO sedano_queue VALUES (?, 1)"


class DatabaseFailure(Exception):
    """What these tests have SQLite's errors translated into."""


def fail(diagnosis: Diagnosis) -> Exception:
    return DatabaseFailure(diagnosis.reason)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "queue.db"


@pytest.fixture
def open_database(path: Path) -> Iterator[Callable[..., SqliteDatabase]]:
    opened: list[SqliteDatabase] = []

    def open_one(*, deadline: float = 5.0, schema: str = "create") -> SqliteDatabase:
        location = SqliteLocation(path=path, schema=schema)
        opened.append(SqliteDatabase(location, deadline=timedelta(seconds=deadline), translate=fail))
        return opened[-1]

    yield open_one
    for database in opened:
        database.close()


@pytest.fixture
def database(open_database: Callable[..., SqliteDatabase]) -> SqliteDatabase:
    return open_database()


def paused(database: SqliteDatabase) -> list[str]:
    rows = database.read(lambda c: c.execute("SELECT name FROM sedano_queue ORDER BY name").fetchall())
    return [name for (name,) in rows]


def test_a_new_file_gets_its_tables_and_a_write_ahead_log(database: SqliteDatabase) -> None:
    database.execute(PAUSE, ("mail",))

    assert paused(database) == ["mail"]
    assert database.read(lambda c: c.execute("PRAGMA journal_mode").fetchone()) == ("wal",)


def test_many_threads_may_open_a_new_file_at_once(database: SqliteDatabase) -> None:
    threads = [
        threading.Thread(target=database.execute, args=(PAUSE, (f"queue {number}",))) for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(paused(database)) == 8


def test_a_transaction_that_fails_leaves_nothing(database: SqliteDatabase) -> None:
    def write_half(connection: sqlite3.Connection) -> None:
        connection.execute(PAUSE, ("mail",))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        database.write(write_half)

    assert paused(database) == []
    database.execute(PAUSE, ("reports",))


def test_a_lock_that_is_given_back_in_time_is_waited_for(database: SqliteDatabase, path: Path) -> None:
    database.execute(PAUSE, ("first",))
    attempts: list[float] = []
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        releasing = threading.Timer(0.1, other.execute, args=("COMMIT",))
        releasing.start()

        began = time.monotonic()
        database.write(lambda c: attempts.append(c.execute(PAUSE, ("second",)).rowcount))
        database.execute(PAUSE, ("third",))

        assert 0.05 < time.monotonic() - began < 10
        releasing.join()
    assert attempts == [1]
    assert paused(database) == ["first", "second", "third"]


@pytest.mark.parametrize("way", ["execute", "write"])
def test_a_lock_that_is_kept_is_an_error_at_the_deadline(
    open_database: Callable[..., SqliteDatabase], path: Path, way: str
) -> None:
    database = open_database(deadline=0.1)
    database.execute(PAUSE, ("first",))

    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(DatabaseFailure, match="locked by another process"):
            if way == "execute":
                database.execute(PAUSE, ("second",))
            else:
                database.write(lambda c: c.execute(PAUSE, ("second",)))
        assert 0.1 <= time.monotonic() - began < 10

    database.execute(PAUSE, ("third",))
    assert paused(database) == ["first", "third"]


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    location = SqliteLocation(path=tmp_path / "nowhere" / "queue.db")
    database = SqliteDatabase(location, deadline=timedelta(seconds=1), translate=fail)

    with pytest.raises(DatabaseFailure, match=r"there is no directory .*nowhere"):
        database.execute(PAUSE, ("mail",))


def test_a_directory_in_the_files_place_is_named(tmp_path: Path) -> None:
    database = SqliteDatabase(SqliteLocation(path=tmp_path), deadline=timedelta(seconds=1), translate=fail)

    with pytest.raises(DatabaseFailure, match="it is a directory"):
        database.execute(PAUSE, ("mail",))


def test_a_file_that_is_no_database_is_left_alone(database: SqliteDatabase, path: Path) -> None:
    path.write_bytes(b"The accounts of 2027. " * 100)

    with pytest.raises(DatabaseFailure, match="damaged, or no SQLite database"):
        database.execute(PAUSE, ("mail",))

    assert path.read_bytes().startswith(b"The accounts of 2027.")


def test_somebody_elses_schema_is_not_made(open_database: Callable[..., SqliteDatabase], path: Path) -> None:
    database = open_database(schema="external")

    with pytest.raises(DatabaseFailure, match=r"no database at .*manage\.py migrate"):
        database.execute(PAUSE, ("mail",))
    assert not path.exists()

    with closing(sqlite3.connect(path)) as django:
        django.execute("CREATE TABLE auth_user (id)")
    with pytest.raises(DatabaseFailure, match=r"manage\.py migrate"):
        database.execute(PAUSE, ("mail",))


def test_somebody_elses_schema_that_is_behind_says_what_is_missing(
    open_database: Callable[..., SqliteDatabase], path: Path
) -> None:
    whole = open_database()
    whole.execute(PAUSE, ("mail",))
    whole.close()
    with closing(sqlite3.connect(path)) as django:
        django.execute("DROP TABLE sedano_chord")

    with pytest.raises(DatabaseFailure, match=r"missing: sedano_chord\)\. Run: manage\.py migrate"):
        open_database(schema="external").execute(PAUSE, ("mail",))


def test_a_database_that_is_deleted_is_made_anew(
    open_database: Callable[..., SqliteDatabase], path: Path
) -> None:
    database = open_database()
    database.execute(PAUSE, ("old",))

    for file in path.parent.iterdir():
        file.unlink()
    deadline = time.monotonic() + 10
    while not path.exists() and time.monotonic() < deadline:
        database.read(lambda connection: connection.execute("SELECT 1").fetchone())

    database.execute(PAUSE, ("new",))
    assert paused(open_database()) == ["new"]


def test_a_thread_that_ends_closes_its_connection(database: SqliteDatabase, path: Path) -> None:
    def use_in_threads(first: int, last: int) -> None:
        for number in range(first, last):
            thread = threading.Thread(target=database.execute, args=(PAUSE, (f"thread {number}",)))
            thread.start()
            thread.join()

    database.execute(PAUSE, ("main",))
    # SQLite itself keeps one closed descriptor for the next connection, so as not to drop its locks.
    use_in_threads(0, 2)
    before = _descriptors(path)

    use_in_threads(2, 20)

    assert _descriptors(path) == before
    assert len(paused(database)) == 21


def test_closing_closes_the_connections_of_all_threads(database: SqliteDatabase, path: Path) -> None:
    used, finish = threading.Event(), threading.Event()

    def use_and_stay() -> None:
        database.execute(PAUSE, ("thread",))
        used.set()
        finish.wait()

    thread = threading.Thread(target=use_and_stay)
    thread.start()
    used.wait()
    database.execute(PAUSE, ("main",))

    database.close()

    assert _descriptors(path) == 0
    finish.set()
    thread.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="This system does not fork.")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_takes_no_connection_along(database: SqliteDatabase, path: Path) -> None:
    used, finish = threading.Event(), threading.Event()

    def use_and_stay() -> None:
        database.execute(PAUSE, ("thread",))
        used.set()
        finish.wait()
        database.execute(PAUSE, ("thread again",))

    thread = threading.Thread(target=use_and_stay)
    thread.start()
    used.wait()
    database.execute(PAUSE, ("main",))

    child = os.fork()
    if not child:
        # Exits with what it inherited, then proves that it can write.
        inherited = _descriptors(path)
        database.execute(PAUSE, ("child",))
        os._exit(inherited)
    status = os.waitpid(child, 0)[1]
    finish.set()
    thread.join()

    assert os.waitstatus_to_exitcode(status) == 0
    assert paused(database) == ["child", "main", "thread", "thread again"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="This system does not fork.")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_in_the_middle_of_a_transaction_harms_neither_side(
    open_database: Callable[..., SqliteDatabase], path: Path
) -> None:
    database = open_database(deadline=0.2)
    writing, forked = threading.Event(), threading.Event()

    def write_slowly(connection: sqlite3.Connection) -> None:
        connection.execute(PAUSE, ("slow",))
        writing.set()
        forked.wait()

    thread = threading.Thread(target=database.write, args=(write_slowly,))
    thread.start()
    writing.wait()

    child = os.fork()  # waits for the transaction as long as it may, then goes on without
    if not child:
        try:
            database.execute(PAUSE, ("child",))
        except DatabaseFailure:
            os._exit(0)
        os._exit(1)
    forked.set()
    status = os.waitpid(child, 0)[1]
    thread.join()

    assert os.waitstatus_to_exitcode(status) in (0, 1)
    assert "slow" in paused(database)
    with closing(sqlite3.connect(path)) as check:
        assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def _descriptors(path: Path) -> int:
    """How many of this process's descriptors are of the database's files."""
    if sys.platform == "win32":
        pytest.skip("psutil cannot tell here.")
    return sum(file.path.startswith(str(path)) for file in psutil.Process().open_files())
