"""How long ``import`` of the package takes in a fresh interpreter: the median of several."""

import statistics
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks.contender import Contender
from benchmarks.measures.measure import Measure

TRIES: Final = 11
QUICK_TRIES: Final = 5

TIMED_IMPORT: Final = """
import sys, time
started = time.perf_counter()
__import__(sys.argv[1])
print(time.perf_counter() - started)
"""


def _take(contender: Contender, folder: Path, quick: bool) -> float:
    command = [sys.executable, "-c", TIMED_IMPORT, contender.name]
    tries = [
        float(subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout)
        for _ in range(QUICK_TRIES if quick else TRIES)
    ]
    return statistics.median(tries) * 1000


IMPORT_TIME: Final = Measure(
    name="import of the package", unit="ms", higher_is_better=False, take=_take, promised_figure=80.0
)
