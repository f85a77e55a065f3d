"""Sleeping until another process commits."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sedano.sql.commit_wait import CommitWait
from sedano.sql.polling_watch import PollingWatch
from sedano.sql.sqlite_database import SqliteDatabase
from sedano.sql.sqlite_location import SqliteLocation

PAUSE = "INSERT INTO sedano_queue VALUES (?, 1)"

#: Commits when told to by a line, and says when.
COMMITTER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
print("ready", flush=True)
for line in sys.stdin:
    connection.execute("INSERT INTO sedano_queue VALUES (?, 1)", (line.strip(),))
    print(time.time(), flush=True)
"""


@pytest.fixture
def location(tmp_path: Path) -> SqliteLocation:
    return SqliteLocation(path=tmp_path / "queue.db")


@pytest.fixture
def database(location: SqliteLocation) -> Iterator[SqliteDatabase]:
    database = SqliteDatabase(
        location, deadline=timedelta(seconds=5), translate=lambda d: RuntimeError(d.reason)
    )
    database.execute(PAUSE, ("first",))
    yield database
    database.close()


@pytest.fixture
def waiting(location: SqliteLocation) -> Iterator[CommitWait]:
    waiting = CommitWait(location)
    yield waiting
    waiting.close()


@pytest.fixture
def committer(database: SqliteDatabase, location: SqliteLocation) -> Iterator[Callable[[str], float]]:
    """Another process; called with a name it commits a row, and returns when it did."""
    command = [sys.executable, "-c", COMMITTER, str(location.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()

        def commit(name: str) -> float:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(f"{name}\n")
            process.stdin.flush()
            return float(process.stdout.readline())

        yield commit
        process.stdin.close()


def left_until(database: SqliteDatabase, name: str) -> Callable[[], float]:
    """0 when the row is there."""

    def seconds_left() -> float:
        found = database.read(
            lambda c: c.execute("SELECT 1 FROM sedano_queue WHERE name = ?", (name,)).fetchone()
        )
        return 0.0 if found else float("inf")

    return seconds_left


def test_a_commit_of_another_process_ends_the_wait_at_once(
    database: SqliteDatabase, waiting: CommitWait, committer: Callable[[str], float]
) -> None:
    delays = []
    for number in range(20):
        name = f"commit {number}"
        committed: list[float] = []
        thread = threading.Thread(target=lambda name=name, into=committed: into.append(committer(name)))
        thread.start()
        assert waiting.until(left_until(database, name), 20)
        woken = time.time()
        thread.join()
        delays.append(woken - committed[0])

    # Half of the longest sleep would mean that only the look now and then has found it.
    assert sorted(delays)[10] < 0.1


def test_a_wait_ends_when_its_condition_comes_by_itself(waiting: CommitWait) -> None:
    due = time.monotonic() + 0.05

    assert waiting.until(lambda: due - time.monotonic(), 20)

    assert due <= time.monotonic() < due + 5


def test_a_wait_ends_with_its_timeout(waiting: CommitWait) -> None:
    assert not waiting.until(lambda: float("inf"), 0.02)


def test_a_wait_can_be_ended_by_another_thread(waiting: CommitWait) -> None:
    waker = threading.Timer(0.05, waiting.wake)
    waker.start()

    assert waiting.until(lambda: float("inf"), 20)

    waker.join()
    assert not waiting.until(lambda: float("inf"), 0.01)


def test_waking_and_closing_after_the_end_do_nothing(location: SqliteLocation) -> None:
    waiting = CommitWait(location)

    waiting.close()
    waiting.wake()
    waiting.close()


def test_a_log_that_is_deleted_and_comes_back_is_watched_again(
    database: SqliteDatabase,
    waiting: CommitWait,
    committer: Callable[[str], float],
    location: SqliteLocation,
) -> None:
    committer("before")
    assert waiting.until(left_until(database, "before"), 20)

    for suffix in ("", "-wal", "-shm"):
        Path(f"{location.path}{suffix}").unlink()
    database.close()
    database.execute(PAUSE, ("in the new file",))

    assert waiting.until(left_until(database, "in the new file"), 20)


def test_the_polling_watch_says_maybe_every_few_milliseconds() -> None:
    watch = PollingWatch()

    assert watch.wait(5)
    assert not watch.wait(0)

    watch.wake()
    assert watch.wait(0)
    watch.close()
