"""How many no-op tasks a worker with two processes finishes in a second.

All messages are published first, then the worker is started. The rate is that from the first look that
finds some done to the first that finds none left, so starting the worker does not count.
"""

from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.client import run_client
from benchmarks.contender import Contender
from benchmarks.measures.measure import Measure
from benchmarks.waiting_messages import waiting_messages
from benchmarks.worker_process import running_worker

MESSAGES: Final = 20_000
QUICK_MESSAGES: Final = 5_000


def _take(contender: Contender, folder: Path, quick: bool, *, task: str) -> float:
    messages = QUICK_MESSAGES if quick else MESSAGES
    database = folder / "queue.db"
    run_client(contender, "publish.py", task, messages, folder=folder, database=database)
    with (
        waiting_messages(contender, database) as waiting,
        running_worker(contender, folder, database),
    ):
        first_moment, left = waiting.wait_for(0, messages - 1)
        last_moment, _ = waiting.wait_for(0, 0)
    if left == 0:
        raise RuntimeError("the worker was done before the second look: raise the number of messages")
    return left / (last_moment - first_moment)


DRAIN_RATE: Final = Measure(
    name="drain, 2 processes, results stored",
    unit="tasks/s",
    higher_is_better=True,
    take=partial(_take, task="noop"),
    promised_ratio=6.0,
)

DRAIN_RATE_WITHOUT_RESULTS: Final = Measure(
    name="drain, 2 processes, results ignored",
    unit="tasks/s",
    higher_is_better=True,
    take=partial(_take, task="noop_without_result"),
    promised_ratio=6.0,
)
