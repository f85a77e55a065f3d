"""How much of its rate a stream of 5 ms tasks keeps beside tasks that kill their own process, in percent.

One worker with two processes does the stream alone, then beside three killers, each of which kills the
process that runs it several times over. A task that was finished twice (its process died before it could be
told) makes the figure better than it is by a fraction of a percent.
"""

from typing import Final

from benchmarks.client import run_client
from benchmarks.measures.measure import Measure
from benchmarks.trial import Trial
from benchmarks.worker_process import running_worker

TASKS: Final = 3000
QUICK_TASKS: Final = 1000
KILLERS: Final = 3


def _take(trial: Trial) -> float:
    tasks = QUICK_TASKS if trial.quick else TASKS
    with running_worker(trial):
        alone, beside_killers = (
            float(run_client(trial, "stream.py", tasks, killers)) for killers in (0, KILLERS)
        )
    return beside_killers / alone * 100


CRASH_STREAM: Final = Measure(
    name="a stream's rate beside tasks that kill their process",
    unit="% of alone",
    higher_is_better=True,
    take=_take,
    promised_figure=90.0,
)
