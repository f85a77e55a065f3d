"""A broker that does not answer for a while: settlements are kept, nothing is lost, nothing runs twice."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest

from sedano.exceptions import OperationalError
from tests.acceptance.workers import Journal, Worker, wait_until

pytestmark = pytest.mark.acceptance

StartWorker = Callable[..., Worker]


def lock(directory: Path) -> sqlite3.Connection:
    """Somebody holds the database's write lock, and does not let go."""
    connection = sqlite3.connect(directory / "queue.db", isolation_level=None, timeout=30)
    connection.execute("BEGIN IMMEDIATE")
    return connection


def test_outcomes_that_cannot_be_told_are_kept_until_they_can(
    project: ModuleType, journal: Journal, directory: Path, start_worker: StartWorker
) -> None:
    worker = start_worker("-c", "2").wait_until_ready()
    results = [project.work.delay(n, 0.5) for n in range(2)]
    wait_until(lambda: len(journal.counts("start")) == 2, what="both run")

    with closing(lock(directory)):
        wait_until(lambda: "settlements are kept" in worker.text(), what="the worker has noticed")
        assert not any(result.ready() for result in results)

    wait_until(lambda: all(result.successful() for result in results), timeout=5, what="told after all")
    assert set(journal.counts("start").values()) == {1}
    assert project.work.delay("after").get(timeout=5) == "after"
    assert worker.stop() == 0


def test_publishing_to_a_locked_database_ends_with_an_error_in_time(
    project: ModuleType, directory: Path
) -> None:
    project.work.delay("first")
    began = time.monotonic()

    with closing(lock(directory)), pytest.raises(OperationalError, match="locked"):
        project.work.delay("second")

    assert time.monotonic() - began < 20  # broker_publish_timeout is 2 s
    assert project.app.broker.admin.depth("celery").ready == 1


def test_stopping_while_the_broker_does_not_answer_loses_nothing(
    project: ModuleType, journal: Journal, directory: Path, start_worker: StartWorker
) -> None:
    leaving = start_worker("-c", "1", "worker_lease=2").wait_until_ready()
    result = project.work.delay("in-vain", 0.5)
    wait_until(lambda: journal.counts("start"), what="it runs")

    with closing(lock(directory)):
        leaving.stop()
    start_worker("-c", "1", "worker_lease=2").wait_until_ready()

    wait_until(result.successful, timeout=40, what="it ran again, somewhere else")
