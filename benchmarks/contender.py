"""A task queue under measurement: its toy application, and how its worker starts.

Used by every measure, so that each queue is measured in the same way. Knows nothing of what is measured, and
nothing of the server below.
"""

import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One queue. Its application is a ``bench_app.py``; ``apps/task_bodies.py`` says what is in it."""

    name: str
    #: What is installed, as PyPI calls it.
    package: str
    #: The folder below ``apps`` that holds its ``bench_app.py``.
    app_folder: str
    #: The command that starts its worker with two processes for tasks: an installed script and its arguments.
    worker: tuple[str, ...]
    #: How many messages a drain takes: enough for some seconds.
    drain_messages: int
    #: What its application finds in its environment besides what all do.
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def worker_command(self) -> list[str]:
        """The worker's command, with the script's full path."""
        script, *arguments = self.worker
        return [str(Path(sys.executable).with_name(script)), *arguments]

    @property
    def version(self) -> str | None:
        """The installed version; None if it is not installed."""
        try:
            return version(self.package)
        except PackageNotFoundError:
            return None


SEDANO: Final = Contender(
    name="sedano",
    package="sedano",
    app_folder="with_sedano",
    worker=("sedano", "-A", "bench_app", "worker", "-c", "2", "-l", "WARNING"),
    drain_messages=100_000,
)
