"""A worker that has done some tasks and is idle now."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psutil

from benchmarks.client import run_client
from benchmarks.progress import wait_for_calls, wait_until_settled
from benchmarks.trial import Trial
from benchmarks.worker_process import running_worker

#: Enough for both of its processes to have run some.
TASKS: Final = 200

#: Seconds: a polling worker slows down to its idle pace, a starting one ends its start.
SETTLING_TIME: Final = 2.0


@contextmanager
def warm_worker(trial: Trial) -> Iterator[psutil.Process]:
    """Start a worker with two slots, let it do some tasks, and hand it over idle."""
    run_client(trial, "publish.py", "noop", TASKS)
    with running_worker(trial) as worker:
        wait_for_calls(trial, TASKS)
        wait_until_settled(trial)
        time.sleep(SETTLING_TIME)
        yield worker
