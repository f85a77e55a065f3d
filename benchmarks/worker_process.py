"""A contender's worker as a real process, with the processes below it."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psutil

from benchmarks.trial import Trial

#: Seconds that a worker may take to stop before its whole process group is killed.
STOPPING_TIME: Final = 30.0


@contextmanager
def running_worker(trial: Trial) -> Iterator[psutil.Process]:
    """Start the worker and stop it again; what it prints goes to ``worker.log`` in the folder."""
    with (trial.folder / "worker.log").open("ab") as log:
        worker = subprocess.Popen(
            trial.contender.worker_command,
            cwd=trial.folder,
            env=trial.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield psutil.Process(worker.pid)
            if worker.poll() is not None:
                raise RuntimeError(
                    f"{trial.contender.name}'s worker ended by itself:\n{trial.worker_log()[-4000:]}"
                )
        finally:
            worker.terminate()
            with suppress(subprocess.TimeoutExpired):
                worker.wait(STOPPING_TIME)
            # Nothing of it may disturb the next one.
            with suppress(ProcessLookupError):
                os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()


def family(worker: psutil.Process) -> list[psutil.Process]:
    """The worker's processes: itself and everything below it."""
    return [worker, *worker.children(recursive=True)]


def processor_seconds(worker: psutil.Process) -> float:
    """The processor time that all its processes have used so far."""
    return sum(_processor_seconds(process) for process in family(worker))


def _processor_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def proportional_set_size(worker: psutil.Process) -> float:
    """The memory of all the worker's processes in MB; what they share counts once (Linux)."""
    return sum(_proportional_set_kib(process.pid) for process in family(worker)) * 1024 / 1e6


def _proportional_set_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise RuntimeError(f"the kernel tells no Pss of process {pid}")
