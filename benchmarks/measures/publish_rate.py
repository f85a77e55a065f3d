"""How many messages one process publishes in a second: ``delay()`` in a loop, nobody working."""

from collections.abc import Mapping
from typing import Final

from benchmarks.client import run_client
from benchmarks.measures.measure import Measure
from benchmarks.trial import Trial

CALLS: Final = 10_000
QUICK_CALLS: Final = 3_000


def publish_rate(promised_ratios: Mapping[str, float], *, store_results: bool = False) -> Measure:
    """The measure. Some queues prepare for a result when they publish, so it matters whether it is stored."""
    return Measure(
        name=f"delay() in a loop, one process, results {'stored' if store_results else 'ignored'}",
        unit="messages/s",
        higher_is_better=True,
        take=_take,
        store_results=store_results,
        # Whether the system runs server and client on one core or on two makes it vary by a factor of two.
        repeats=3,
        promised_ratios=promised_ratios,
    )


def _take(trial: Trial) -> float:
    calls = QUICK_CALLS if trial.quick else CALLS
    return (calls - 10) / float(run_client(trial, "publish.py", "noop", calls))
