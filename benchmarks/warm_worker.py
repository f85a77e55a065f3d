"""A worker that has done some tasks and is idle now."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil

from benchmarks.client import run_client
from benchmarks.contender import Contender
from benchmarks.waiting_messages import waiting_messages
from benchmarks.worker_process import running_worker

#: Enough for both of its processes to have run some.
TASKS: Final = 200

#: Seconds: a polling worker slows down to its idle pace, a starting one ends its start.
SETTLING_TIME: Final = 2.0


@contextmanager
def warm_worker(contender: Contender, folder: Path) -> Iterator[psutil.Process]:
    """Start a worker with two slots, let it do some tasks, and hand it over idle."""
    database = folder / "queue.db"
    run_client(contender, "publish.py", "noop", TASKS, folder=folder, database=database)
    with running_worker(contender, folder, database) as worker:
        with waiting_messages(contender, database) as waiting:
            waiting.wait_for(0, 0, seconds=60)
        time.sleep(SETTLING_TIME)
        yield worker
