"""One process that the demo started: what it says goes to a file, and it is gone when the demo is.

A process gets a session of its own, so that Ctrl-C reaches the demo alone, which then ends it in good order.
"""

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


class DemoFailure(Exception):
    """Something that the demo promises did not happen."""


class RunningProcess:
    """Started at once; a context manager that stops it."""

    def __init__(
        self, name: str, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path
    ) -> None:
        self.name = name
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> "RunningProcess":
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def wait_for_line(self, pattern: str, *, timeout: float) -> re.Match[str]:
        """Wait until its log has a match of ``pattern``, and return it."""
        deadline = time.monotonic() + timeout
        while True:
            running = self.is_running()
            found = re.search(pattern, self.output())
            if found:
                return found
            if not running:
                raise DemoFailure(f"The {self.name} ended with exit code {self._process.returncode}.")
            if time.monotonic() > deadline:
                raise DemoFailure(f"The {self.name} did not say {pattern!r} within {timeout:.0f} s.")
            time.sleep(0.02)

    def output(self) -> str:
        """All that it said so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def stop(self, *, patience: float = 10.0) -> None:
        """Ask it to end; after ``patience`` seconds, end whatever is left of it. Safe to call twice."""
        if self.is_running():
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(patience)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            # Its process group, which is its own: nothing that it started outlives it.
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
