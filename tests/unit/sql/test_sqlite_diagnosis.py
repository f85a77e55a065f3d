"""What SQLite's errors are called; each test provokes the real error."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sedano.sql.sqlite_diagnosis import diagnose, is_busy
from sedano.sql.sqlite_location import SqliteLocation


@pytest.fixture
def location(tmp_path: Path) -> SqliteLocation:
    return SqliteLocation(path=tmp_path / "queue.db")


@pytest.fixture
def connection(location: SqliteLocation) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(location.path, isolation_level=None, timeout=0)) as connection:
        connection.execute("CREATE TABLE filler (content BLOB)")
        yield connection


def test_a_lock_of_another_connection_passes(
    connection: sqlite3.Connection, location: SqliteLocation
) -> None:
    connection.execute("BEGIN EXCLUSIVE")

    with (
        closing(sqlite3.connect(location.path, isolation_level=None, timeout=0)) as other,
        pytest.raises(sqlite3.OperationalError) as caught,
    ):
        other.execute("BEGIN IMMEDIATE")

    assert is_busy(caught.value)
    diagnosis = diagnose(caught.value, location)
    assert diagnosis.passing
    assert "locked by another process" in diagnosis.reason


def test_a_full_disk_passes(connection: sqlite3.Connection, location: SqliteLocation) -> None:
    connection.execute("PRAGMA max_page_count = 3")

    with pytest.raises(sqlite3.OperationalError) as caught:
        connection.execute("INSERT INTO filler VALUES (zeroblob(100000))")

    diagnosis = diagnose(caught.value, location)
    assert diagnosis.passing
    assert "the disk is full" in diagnosis.reason


def test_a_file_that_cannot_be_written_is_the_users_to_change(
    connection: sqlite3.Connection, location: SqliteLocation
) -> None:
    with (
        closing(sqlite3.connect(f"file:{location.path}?mode=ro", uri=True, timeout=0)) as reader,
        pytest.raises(sqlite3.OperationalError) as caught,
    ):
        reader.execute("INSERT INTO filler VALUES (1)")

    diagnosis = diagnose(caught.value, location)
    assert diagnosis.configuration
    assert "cannot be written" in diagnosis.reason


def test_missing_tables_in_somebody_elses_schema_name_the_command_that_makes_them(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    with pytest.raises(sqlite3.OperationalError) as caught:
        connection.execute("SELECT * FROM sedano_message")

    diagnosis = diagnose(caught.value, SqliteLocation(path=tmp_path / "db.sqlite3", schema="external"))
    assert diagnosis.configuration
    assert "manage.py migrate" in diagnosis.reason


def test_an_error_of_the_python_module_itself_has_its_text(
    connection: sqlite3.Connection, location: SqliteLocation
) -> None:
    connection.close()

    with pytest.raises(sqlite3.ProgrammingError) as caught:
        connection.execute("SELECT 1")

    assert "closed database" in diagnose(caught.value, location).reason
