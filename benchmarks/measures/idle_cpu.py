"""How much of one core a worker uses while there is nothing to do, all its processes together."""

import time
from typing import Final

from benchmarks.measures.measure import Measure
from benchmarks.trial import Trial
from benchmarks.warm_worker import warm_worker
from benchmarks.worker_process import processor_seconds

SECONDS: Final = 20.0
QUICK_SECONDS: Final = 6.0


def _take(trial: Trial) -> float:
    seconds = QUICK_SECONDS if trial.quick else SECONDS
    with warm_worker(trial) as worker:
        before = processor_seconds(worker)
        time.sleep(seconds)
        return 100.0 * (processor_seconds(worker) - before) / seconds


IDLE_CPU: Final = Measure(
    name="idle worker, 2 slots", unit="% of a core", higher_is_better=False, take=_take, promised_figure=1.0
)
