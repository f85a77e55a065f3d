"""How soon an idle worker starts a task: the median from before ``delay()`` to the task's first line."""

import statistics
from collections.abc import Mapping
from typing import Final

from benchmarks.client import run_client
from benchmarks.measures.measure import Measure
from benchmarks.trial import Trial
from benchmarks.worker_process import running_worker

CALLS: Final = 60
QUICK_CALLS: Final = 15


def start_latency(
    *, promised_figure: float | None = None, promised_ratios: Mapping[str, float] | None = None
) -> Measure:
    """The measure."""
    return Measure(
        name="idle worker, delay() to start, median",
        unit="ms",
        higher_is_better=False,
        take=_take,
        promised_figure=promised_figure,
        promised_ratios=promised_ratios or {},
    )


def _take(trial: Trial) -> float:
    with running_worker(trial):
        printed = run_client(trial, "start_latency.py", QUICK_CALLS if trial.quick else CALLS)
    return statistics.median(float(line) for line in printed.split())
