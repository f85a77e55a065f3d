"""How long a chord takes: so many no-op tasks, and one that gets all their results."""

import statistics
from collections.abc import Mapping
from typing import Final

from benchmarks.client import run_client
from benchmarks.measures.measure import Measure
from benchmarks.trial import Trial
from benchmarks.worker_process import running_worker

MEMBERS: Final = 1_000
CHORDS: Final = 3


def chord_time(promised_ratios: Mapping[str, float], *, among: tuple[str, ...]) -> Measure:
    """The measure."""
    return Measure(
        name=f"a chord of {MEMBERS:,} no-op members, 2 processes",
        unit="s",
        higher_is_better=False,
        take=_take,
        store_results=True,
        among=among,
        promised_ratios=promised_ratios,
    )


def _take(trial: Trial) -> float:
    with running_worker(trial):
        printed = run_client(trial, "chord.py", MEMBERS, 1 if trial.quick else CHORDS)
    return statistics.median(float(line) for line in printed.split())
