"""How far a contender's worker is, looked at from outside and in the same way for each.

Every process that runs the no-op counts its calls in eight bytes of a file that it maps into its memory
(``apps/task_bodies.py``), so counting costs a worker nothing to speak of and asks nothing of the server. When
all are called, the server is asked whether anything is still unsettled.
"""

import time
from collections.abc import Callable
from typing import Final

from benchmarks.trial import Trial

#: Seconds between two looks.
PACE: Final = 0.004

#: Seconds after which a worker is given up.
PATIENCE: Final = 180.0


def count_calls(trial: Trial) -> int:
    """How often the worker's processes have called the no-op."""
    return sum(int.from_bytes(cell.read_bytes(), "little") for cell in trial.calls_folder.iterdir())


def wait_for_calls(trial: Trial, least: int) -> tuple[float, int]:
    """Wait for so many calls: the moment (``perf_counter``) of the look that found them, and its number."""
    _wait_until(lambda: count_calls(trial) >= least, trial, f"{least} calls")
    moment = time.perf_counter()
    return moment, count_calls(trial)


def wait_until_settled(trial: Trial) -> float:
    """Wait until nothing is waiting or held any more; the moment of the look that found it."""
    _wait_until(lambda: trial.server.unsettled(trial.contender) == 0, trial, "the last settlement")
    return time.perf_counter()


def _wait_until(holds: Callable[[], bool], trial: Trial, what: str) -> None:
    deadline = time.perf_counter() + PATIENCE
    while not holds():
        if time.perf_counter() > deadline:
            calls, left = count_calls(trial), trial.server.unsettled(trial.contender)
            raise RuntimeError(
                f"waited {PATIENCE:.0f} s for {what}: {calls} calls, {left} unsettled\n"
                + trial.worker_log()[-4000:]
            )
        time.sleep(PACE)
