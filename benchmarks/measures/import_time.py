"""How long ``import`` of the package takes in a fresh interpreter: the median of several."""

import statistics
import subprocess
import sys
from typing import Final

from benchmarks.measures.measure import Measure
from benchmarks.trial import Trial

TRIES: Final = 11
QUICK_TRIES: Final = 5

TIMED_IMPORT: Final = """
import sys, time
started = time.perf_counter()
__import__(sys.argv[1])
print(time.perf_counter() - started)
"""


def _take(trial: Trial) -> float:
    command = [sys.executable, "-c", TIMED_IMPORT, trial.contender.package]
    tries = [
        float(subprocess.run(command, cwd=trial.folder, capture_output=True, text=True, check=True).stdout)
        for _ in range(QUICK_TRIES if trial.quick else TRIES)
    ]
    return statistics.median(tries) * 1000


IMPORT_TIME: Final = Measure(
    name="import of the package", unit="ms", higher_is_better=False, take=_take, promised_figure=80.0
)
