"""How soon an idle worker starts a task: the median from before ``delay()`` to the task's first line."""

import statistics
from pathlib import Path
from typing import Final

from benchmarks.client import run_client
from benchmarks.contender import Contender
from benchmarks.measures.measure import Measure
from benchmarks.worker_process import running_worker

CALLS: Final = 60
QUICK_CALLS: Final = 15


def _take(contender: Contender, folder: Path, quick: bool) -> float:
    database = folder / "queue.db"
    calls = QUICK_CALLS if quick else CALLS
    with running_worker(contender, folder, database):
        printed = run_client(contender, "start_latency.py", calls, folder=folder, database=database)
    return statistics.median(float(line) for line in printed.split())


START_LATENCY: Final = Measure(
    name="idle worker, delay() to start, median",
    unit="ms",
    higher_is_better=False,
    take=_take,
    promised_figure=2.0,
)
