"""Real workers of both libraries around one broker, and applications that publish to them.

Used by the tests of interoperation. Ends every process it has started.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, Self

from celery import Celery

from sedano import Sedano
from tests.acceptance.workers import Journal, wait_until
from tests.interop.shop import JOURNAL, celery_app, sedano_app

Library = Literal["celery", "sedano"]
LIBRARIES: Final[tuple[Library, ...]] = ("celery", "sedano")

#: How each library's worker is started, on the repository's root.
COMMANDS: Final[Mapping[str, Sequence[str]]] = {
    "celery": (
        *("-m", "celery", "-A", "tests.interop.celery_shop", "worker", "-l", "INFO"),
        *("--without-mingle", "--without-gossip", "--without-heartbeat"),
    ),
    "sedano": ("-m", "sedano", "-A", "tests.interop.sedano_shop", "worker", "-l", "INFO"),
}

ROOT: Final = Path(__file__).parents[2]


class WorkerProcess:
    """One worker of either library, in a process group of its own."""

    def __init__(self, library: Library, options: Sequence[str], log: Path, env: Mapping[str, str]) -> None:
        self.library = library
        self._log = log
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                [sys.executable, *COMMANDS[library], *options],
                cwd=ROOT,
                env={**os.environ, **env},
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def text(self) -> str:
        """What it has logged."""
        return self._log.read_text(errors="replace")

    def wait_until_ready(self) -> Self:
        """Wait until it takes tasks; fail at once if it ends instead."""
        wait_until(self._is_ready, what=f"the {self.library} worker is ready")
        return self

    def _is_ready(self) -> bool:
        if self._process.poll() is not None:
            raise AssertionError(f"the worker ended with {self._process.returncode}:\n{self.text()}")
        return " ready." in self.text()

    def stop(self) -> int:
        """Stop as a deploy does; returns the exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(30)

    def kill(self) -> None:
        """All its processes are gone at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class MixedCluster:
    """One broker, workers of both libraries, and an application of each to publish with.

    Args:
        url: Of the broker.
        settings: Of every application, besides its own; JSON.
        backend: Where results are; where the messages are if None.
    """

    def __init__(
        self,
        url: str,
        directory: Path,
        settings: Mapping[str, Any] | None = None,
        *,
        backend: str | None = None,
    ) -> None:
        self.journal = Journal(directory / "journal")
        self.url = url
        self._backend = backend or url
        self._directory = directory
        self._settings = settings or {}
        where = (self.url, self._backend)
        # What is published without a queue's name goes to the other library.
        self.celery: Celery = celery_app(*where, task_default_queue="to-sedano", **self._settings)
        #: Celery's client with the message protocol of Celery 3.
        self.celery_1: Celery = celery_app(*where, task_protocol=1, **self._settings)
        self.sedano: Sedano = sedano_app(*where, task_default_queue="to-celery", **self._settings)
        self._workers: list[WorkerProcess] = []

    def app(self, library: Library) -> Any:
        """The application of this library, in this process."""
        return self.celery if library == "celery" else self.sedano

    def start(self, library: Library, *options: str) -> WorkerProcess:
        """Start a worker; it is not ready yet."""
        env = {
            "SHOP_URL": self.url,
            "SHOP_BACKEND": self._backend,
            "SHOP_SETTINGS": json.dumps(self._settings),
            JOURNAL: str(self.journal.path),
        }
        log = self._directory / f"{library}-{time.monotonic_ns()}.log"
        if library == "celery":
            options = (*options, "-n", f"{log.stem}@interop")
        worker = WorkerProcess(library, options, log, env)
        self._workers.append(worker)
        return worker

    def close(self) -> None:
        """End the workers, close the connections."""
        for worker in self._workers:
            worker.kill()
        self.sedano.close()
        for app in (self.celery, self.celery_1):
            if self._backend.startswith("redis"):
                # Results that are collected after the server's end are not to unsubscribe from it.
                app.backend.result_consumer.subscribed_to.clear()
            else:
                # One that has not been started cannot be stopped.
                with contextlib.suppress(AttributeError):
                    app.backend.result_consumer.stop()
            app.close()
