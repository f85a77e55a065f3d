"""How many no-op tasks a worker with two processes finishes in a second.

All messages are published first, then the worker is started. The rate is that from the first look that finds
some called to the first that finds all called and settled, so starting the worker does not count.
"""

from collections.abc import Mapping
from typing import Final

from benchmarks.client import run_client
from benchmarks.measures.measure import Measure
from benchmarks.progress import wait_for_calls, wait_until_settled
from benchmarks.trial import Trial
from benchmarks.worker_process import running_worker

#: A quick drain is so many times shorter.
QUICK: Final = 4


def drain_rate(promised_ratios: Mapping[str, float], *, store_results: bool) -> Measure:
    """The measure, with results stored or ignored."""
    return Measure(
        name=f"drain, 2 processes, results {'stored' if store_results else 'ignored'}",
        unit="tasks/s",
        higher_is_better=True,
        take=_take,
        store_results=store_results,
        promised_ratios=promised_ratios,
    )


def _take(trial: Trial) -> float:
    messages = trial.contender.drain_messages // (QUICK if trial.quick else 1)
    run_client(trial, "publish.py", "noop", messages)
    with running_worker(trial):
        first_moment, first_calls = wait_for_calls(trial, 1)
        wait_for_calls(trial, messages)
        last_moment = wait_until_settled(trial)
    _check_results(trial, messages)
    if first_calls > messages // 2:
        raise RuntimeError("the worker was half done at the first look: raise the number of messages")
    return (messages - first_calls) / (last_moment - first_moment)


def _check_results(trial: Trial, messages: int) -> None:
    # More than one a task may be there: some keep rows of their own among them.
    stored = trial.server.results(trial.contender)
    if (stored >= messages) != trial.store_results:
        raise RuntimeError(f"{trial.contender.name} stored {stored} results of {messages} tasks")
