"""For the tests of projects: docs/testing.md. Beside it, the suites that every broker and store passes."""

from sedano.testing.app_in_memory import in_memory
from sedano.testing.clock import ManualClock
from sedano.testing.idle import NeverIdle, run_until_idle
from sedano.testing.published_task import (
    PublishedTask,
    assert_not_published,
    assert_published,
    clear_published,
    published,
)
from sedano.testing.task_run import TaskRun
from sedano.testing.worker_thread import WorkerThread, start_worker

__all__ = [
    "ManualClock",
    "NeverIdle",
    "PublishedTask",
    "TaskRun",
    "WorkerThread",
    "assert_not_published",
    "assert_published",
    "clear_published",
    "in_memory",
    "published",
    "run_until_idle",
    "start_worker",
]
