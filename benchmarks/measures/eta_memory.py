"""The memory that 200,000 tasks which are due in an hour add to an idle worker, in MB.

Celery's worker keeps each of them in its memory, so it gets 20,000 and the figure is multiplied by ten.
"""

import time
from typing import Final

import psutil

from benchmarks.client import run_client
from benchmarks.measures.measure import Measure
from benchmarks.trial import Trial
from benchmarks.warm_worker import warm_worker
from benchmarks.worker_process import proportional_set_size

TASKS: Final = 200_000

#: What is published for whom; the figure is scaled to the number above.
PUBLISHED: Final = {"sedano": TASKS, "celery": TASKS // 10}

QUICK: Final = 10

#: The memory is steady when it has changed by less than so many MB in so many seconds.
STEADY_WITHIN: Final = 0.2
STEADY_FOR: Final = 3.0


def _take(trial: Trial) -> float:
    tasks = PUBLISHED[trial.contender.name] // (QUICK if trial.quick else 1)
    with warm_worker(trial) as worker:
        before = _steady_memory(worker)
        run_client(trial, "publish.py", "noop_in_an_hour", tasks)
        return (_steady_memory(worker) - before) * TASKS / tasks


def _steady_memory(worker: psutil.Process) -> float:
    memory = proportional_set_size(worker)
    while True:
        time.sleep(STEADY_FOR)
        before, memory = memory, proportional_set_size(worker)
        if abs(memory - before) < STEADY_WITHIN:
            return memory


ETA_MEMORY: Final = Measure(
    name="memory that 200,000 waiting ETA tasks add",
    unit="MB",
    higher_is_better=False,
    take=_take,
    among=tuple(PUBLISHED),
    promised_figure=10.0,
)
