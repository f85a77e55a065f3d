"""The memory of a worker with two slots, in MB: the proportional set size of all its processes (Linux)."""

from typing import Final

from benchmarks.measures.measure import Measure
from benchmarks.trial import Trial
from benchmarks.warm_worker import warm_worker
from benchmarks.worker_process import proportional_set_size


def _take(trial: Trial) -> float:
    with warm_worker(trial) as worker:
        return proportional_set_size(worker)


MEMORY: Final = Measure(
    name="worker with 2 slots, memory (PSS)",
    unit="MB",
    higher_is_better=False,
    take=_take,
    promised_figure=80.0,
)
