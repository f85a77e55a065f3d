"""Real workers for acceptance tests: started, signalled, killed, and always ended."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

#: No test waits longer for something that should happen at once.
PATIENCE = 60.0


def wait_until(condition: Callable[[], object], *, timeout: float = PATIENCE, what: str = "") -> None:
    """Look again and again until the condition holds; fail loudly when it never does."""
    deadline = time.monotonic() + timeout
    between_looks = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what or condition}")
        between_looks.wait(0.005)


def is_alive(process: psutil.Process) -> bool:
    """Whether it still runs: a zombie, which only waits for its parent, does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Journal:
    """What the tasks did: lines ``word key pid time``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lines(self) -> list[list[str]]:
        try:
            # What stands behind the last end of a line is being written.
            return [line.split() for line in self.path.read_text().rpartition("\n")[0].splitlines()]
        except FileNotFoundError:
            return []

    def times(self, word: str, key: object) -> list[float]:
        """When this happened to this key."""
        return [float(at) for w, k, _, at in self.lines() if w == word and k == str(key)]

    def counts(self, word: str) -> Counter[str]:
        """How often this happened, by key."""
        return Counter(k for w, k, _, _ in self.lines() if w == word)

    def pids(self, word: str) -> set[int]:
        return {int(pid) for w, _, pid, _ in self.lines() if w == word}


class Worker:
    """One ``sedano worker`` in a process group of its own."""

    def __init__(
        self, directory: Path, *options: str, app: str = "project", env: Mapping[str, str] | None = None
    ) -> None:
        self.directory = directory
        self.log = directory / f"worker-{time.monotonic_ns()}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sedano", "-A", app, "worker", "-l", "INFO", *options],
                cwd=directory,
                env={**os.environ, **(env or {})},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_until_ready(self) -> "Worker":
        def is_ready() -> bool:
            if self.process.poll() is not None:
                raise AssertionError(f"the worker ended with {self.process.returncode}:\n{self.text()}")
            return " ready." in self.text()

        wait_until(is_ready, what="the worker is ready")
        return self

    def signal(self, number: int) -> None:
        """Send a signal to the parent alone, as process managers do."""
        os.kill(self.pid, number)

    def signal_group(self, number: int) -> None:
        """Send a signal to every process of the worker."""
        os.killpg(self.pid, number)

    def kill(self) -> None:
        """The whole worker is gone at once, as when the power fails."""
        if self.process.poll() is None or self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """Stop as a deploy does; returns the exit code."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        return self.wait()

    def wait(self, timeout: float = PATIENCE) -> int:
        return self.process.wait(timeout)

    def processes(self) -> list[psutil.Process]:
        """The worker's processes, all of them."""
        try:
            parent = psutil.Process(self.pid)
            return [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []
