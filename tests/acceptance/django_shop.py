"""A Django site in a folder, with its database and real workers, for acceptance tests."""

import signal
import sqlite3
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from tests.acceptance.workers import wait_until
from tests.unit.django.suite.shop_process import ShopProcess


class Shop(ShopProcess):
    """The site, its database, and its workers."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / "default.sqlite3").write_bytes(_migrated_database())
        self._workers: list[tuple[subprocess.Popen[bytes], Path]] = []

    def start_worker(self, *options: str) -> psutil.Process:
        """A worker that is ready."""
        log = self.folder / f"worker-{len(self._workers)}.log"
        worker = self.start("-m", "sedano", "worker", "-l", "INFO", *options, log=log)
        self._workers.append((worker, log))

        def is_ready() -> bool:
            assert worker.poll() is None, log.read_text()
            return " ready." in log.read_text()

        wait_until(is_ready, what="the worker is ready")
        return psutil.Process(worker.pid)

    def stop_workers(self) -> None:
        """As a deploy does. Each of them ends well."""
        for worker, _ in self._workers:
            worker.send_signal(signal.SIGTERM)
        for worker, log in self._workers:
            assert worker.wait(30) == 0, log.read_text()

    def start(self, *arguments: str, log: Path) -> "subprocess.Popen[bytes]":
        """A Python process of the site."""
        with log.open("wb") as output:
            return subprocess.Popen(
                [sys.executable, *arguments],
                cwd=self.folder,
                env=self.environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def rows(self, query: str) -> list[Any]:
        database = sqlite3.connect(self.folder / "default.sqlite3", timeout=20)
        found = database.execute(query).fetchall()
        database.close()
        return found

    def shipped(self) -> dict[int, int]:
        """How often each order was shipped."""
        return dict(self.rows("SELECT id, shipped FROM shop_order"))

    def states(self) -> dict[str, str]:
        return dict(self.rows("SELECT task_id, state FROM sedano_result"))

    def waiting(self) -> int:
        return self.rows("SELECT count(*) FROM sedano_message")[0][0]


@cache
def _migrated_database() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        ShopProcess(Path(folder)).manage("migrate", "--verbosity", "0")
        return (Path(folder) / "default.sqlite3").read_bytes()
