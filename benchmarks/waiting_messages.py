"""Looks into a contender's SQLite database from outside: how many messages are not done yet.

Reads two keys of an index at each look, so that looking costs the worker next to nothing.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from benchmarks.contender import Contender

#: Seconds between two looks.
PACE: Final = 0.004


class WaitingMessages:
    """The contender's table of live messages. Rows are removed in about the order they were written in."""

    def __init__(self, connection: sqlite3.Connection, contender: Contender) -> None:
        self._connection = connection
        key, table = contender.message_key, contender.message_table
        # Two subqueries are two seeks; min() and max() in one SELECT would read the whole table.
        self._sql = f"SELECT (SELECT min({key}) FROM {table}), (SELECT max({key}) FROM {table})"

    def count(self) -> int:
        """How many keys lie between the oldest and the newest message: 0 when all are done."""
        oldest, newest = self._connection.execute(self._sql).fetchone()
        return 0 if oldest is None else newest - oldest + 1

    def wait_for(self, least: int, most: int, *, seconds: float = 300.0) -> tuple[float, int]:
        """Wait until the count is within the bounds; the moment (``perf_counter``) and the count then."""
        deadline = time.perf_counter() + seconds
        while True:
            count = self.count()
            now = time.perf_counter()
            if least <= count <= most:
                return now, count
            if now > deadline:
                raise RuntimeError(f"{count} messages still wait after {seconds:.0f} s")
            time.sleep(PACE)


@contextmanager
def waiting_messages(contender: Contender, database: Path) -> Iterator[WaitingMessages]:
    """Open the contender's database to look into it."""
    with closing(sqlite3.connect(database, isolation_level=None, timeout=30)) as connection:
        yield WaitingMessages(connection, contender)
