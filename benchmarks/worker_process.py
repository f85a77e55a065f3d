"""A contender's worker as a real process, with the processes below it."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psutil

from benchmarks.contender import Contender

#: Seconds that a worker may take to stop before its whole process group is killed.
STOPPING_TIME: Final = 30.0


@contextmanager
def running_worker(
    contender: Contender, folder: Path, database: Path, *, slots: int = 2
) -> Iterator[psutil.Process]:
    """Start the worker and stop it again; what it prints goes to ``worker.log`` in the folder."""
    with (folder / "worker.log").open("ab") as log:
        worker = subprocess.Popen(
            contender.worker_command(slots),
            cwd=folder,
            env=contender.environment(database),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield psutil.Process(worker.pid)
            if worker.poll() is not None:
                raise RuntimeError(f"{contender.name}'s worker ended by itself:\n{_log_of(folder)}")
        finally:
            worker.terminate()
            try:
                worker.wait(STOPPING_TIME)
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.killpg(worker.pid, signal.SIGKILL)
                worker.wait()


def _log_of(folder: Path) -> str:
    return (folder / "worker.log").read_text(encoding="utf-8", errors="replace")[-4000:]


def family(worker: psutil.Process) -> list[psutil.Process]:
    """The worker's processes: itself and everything below it."""
    return [worker, *worker.children(recursive=True)]
