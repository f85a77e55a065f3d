"""Sedano and potatoq, the nearest queue of its kind, on a fresh SQLite database."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from benchmarks.contender import SEDANO, Contender
from benchmarks.measures.crash_stream import CRASH_STREAM
from benchmarks.measures.drain_rate import drain_rate
from benchmarks.measures.idle_cpu import IDLE_CPU
from benchmarks.measures.import_time import IMPORT_TIME
from benchmarks.measures.memory import MEMORY
from benchmarks.measures.publish_rate import publish_rate
from benchmarks.measures.start_latency import start_latency
from benchmarks.setting import Setting

POTATOQ: Final = Contender(
    name="potatoq",
    package="potatoq",
    app_folder="with_potatoq",
    worker=("potatoq", "-A", "bench_app", "worker", "-c", "2", "-l", "WARNING"),
    drain_messages=20_000,
)

#: The tables of live messages and of results.
TABLES: Final = {
    SEDANO.name: ("sedano_message", "sedano_result"),
    POTATOQ.name: ("potatoq_jobs", "potatoq_results"),
}


class SqliteFile:
    """A database, seen from outside."""

    def __init__(self, path: Path) -> None:
        self.url = self.results_url = f"sqlite:///{path}"
        self._path = path

    def unsettled(self, contender: Contender) -> int:
        """How many rows the table of live messages has; rows go when their task is done."""
        return self._count_rows(TABLES[contender.name][0])

    def results(self, contender: Contender) -> int:
        """How many rows the table of results has."""
        return self._count_rows(TABLES[contender.name][1])

    def _count_rows(self, table: str) -> int:
        with closing(sqlite3.connect(self._path, isolation_level=None, timeout=30)) as connection:
            count: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            return count


@contextmanager
def _serve(folder: Path) -> Iterator[SqliteFile]:
    yield SqliteFile(folder / "queue.db")


ON_SQLITE: Final = Setting(
    name="sqlite",
    title="On SQLite",
    contenders=(SEDANO, POTATOQ),
    rounds=5,
    serve=_serve,
    measures=(
        publish_rate({POTATOQ.name: 3}),
        drain_rate({POTATOQ.name: 6}, store_results=True),
        drain_rate({POTATOQ.name: 6}, store_results=False),
        start_latency(promised_figure=2.0),
        CRASH_STREAM,
        IDLE_CPU,
        MEMORY,
        IMPORT_TIME,
    ),
)
