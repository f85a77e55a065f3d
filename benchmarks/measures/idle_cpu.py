"""How much of one core a worker uses while there is nothing to do, all its processes together."""

import time
from pathlib import Path
from typing import Final

import psutil

from benchmarks.contender import Contender
from benchmarks.measures.measure import Measure
from benchmarks.warm_worker import warm_worker
from benchmarks.worker_process import family

SECONDS: Final = 20.0
QUICK_SECONDS: Final = 6.0


def _take(contender: Contender, folder: Path, quick: bool) -> float:
    seconds = QUICK_SECONDS if quick else SECONDS
    with warm_worker(contender, folder) as worker:
        processes = family(worker)
        before = sum(map(_cpu_seconds, processes))
        time.sleep(seconds)
        return 100.0 * (sum(map(_cpu_seconds, processes)) - before) / seconds


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


IDLE_CPU: Final = Measure(
    name="idle worker, 2 slots", unit="% of a core", higher_is_better=False, take=_take, promised_figure=1.0
)
