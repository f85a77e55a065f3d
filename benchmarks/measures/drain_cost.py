"""The processor time of one no-op task in a drain: all the worker's processes and the server together.

Depends less on what else the machine does than a rate, and says less: work that is done one after the other
in one process is not told from work that two cores share.
"""

from benchmarks.client import run_client
from benchmarks.measures.drain_rate import QUICK
from benchmarks.measures.measure import Measure
from benchmarks.progress import wait_for_calls, wait_until_settled
from benchmarks.server import ServerProcess
from benchmarks.trial import Trial
from benchmarks.worker_process import processor_seconds, running_worker


def drain_cost(*, store_results: bool) -> Measure:
    """The measure, with results stored or ignored."""
    return Measure(
        name=f"processor time of a task, results {'stored' if store_results else 'ignored'}",
        unit="microseconds",
        higher_is_better=False,
        take=_take,
        store_results=store_results,
    )


def _take(trial: Trial) -> float:
    messages = trial.contender.drain_messages // (QUICK if trial.quick else 1)
    server = trial.server
    if not isinstance(server, ServerProcess):
        raise TypeError("this is measured on servers only")
    run_client(trial, "publish.py", "noop", messages)
    with running_worker(trial) as worker:
        _, first_calls = wait_for_calls(trial, 1)
        before = processor_seconds(worker) + server.processor_seconds()
        wait_for_calls(trial, messages)
        wait_until_settled(trial)
        used = processor_seconds(worker) + server.processor_seconds() - before
    return used / (messages - first_calls) * 1e6
