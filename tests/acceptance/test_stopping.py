"""A deploy loses nothing and repeats nothing: SIGTERM, its time limit, and the second signal."""

import signal
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests.acceptance.workers import Journal, Worker, is_alive, wait_until

pytestmark = pytest.mark.acceptance

StartWorker = Callable[..., Worker]


def test_sigterm_finishes_what_runs_and_hands_on_what_waits(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    leaving = start_worker("-c", "20").wait_until_ready()
    running = [project.work.delay(f"r{n}", 3.0) for n in range(20)]
    wait_until(lambda: len(journal.counts("start")) == 20, what="20 tasks run")
    waiting = [project.work.delay(f"w{n}") for n in range(200)]

    leaving.signal(signal.SIGTERM)
    staying = start_worker("-c", "2").wait_until_ready()
    wait_until(
        lambda: all(result.successful() for result in waiting), timeout=10, what="another worker took them"
    )

    assert leaving.wait() == 0
    assert all(result.successful() for result in running)
    assert set(journal.counts("start").values()) == {1}
    assert len(journal.counts("done")) == 220
    assert staying.stop() == 0


def test_a_task_that_outlasts_the_grace_goes_back_uncounted(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    leaving = start_worker("-c", "1", GRACE="1").wait_until_ready()
    result = project.work.delay("long", 600)
    wait_until(lambda: journal.counts("start"), what="it runs")

    assert leaving.stop() == 0

    message = project.app.broker.admin.find(result.id)
    assert message is not None
    assert (message.state, message.crashes) == ("ready", 0)


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGQUIT, signal.SIGINT])
def test_a_second_signal_stops_at_once_and_loses_nothing(
    project: ModuleType, journal: Journal, start_worker: StartWorker, second: int
) -> None:
    worker = start_worker("-c", "2").wait_until_ready()
    result = project.work.delay("long", 600)
    wait_until(lambda: journal.counts("start"), what="it runs")

    worker.signal(signal.SIGTERM)
    wait_until(lambda: "draining" in worker.text())
    worker.signal(second)

    assert worker.wait(timeout=15) == 0
    message = project.app.broker.admin.find(result.id)
    assert message is not None
    assert (message.state, message.crashes) == ("ready", 0)


def test_a_task_that_is_tried_again_after_its_limit_is_so_though_the_worker_stops(
    project: ModuleType, directory: Path, journal: Journal, start_worker: StartWorker
) -> None:
    leaving = start_worker("-c", "1", GRACE="0.1").wait_until_ready()
    result = project.overrun_until_go_on.delay("overran")
    wait_until(lambda: journal.counts("telling"), what="its end is being told")

    assert leaving.stop() == 0

    message = project.app.broker.admin.find(result.id)
    assert message is not None
    assert message.crashes == 1
    (directory / "go-on").touch()
    start_worker("-c", "1")
    wait_until(lambda: project.app.AsyncResult(result.id).successful(), what="it was tried again")
    assert journal.counts("start") == {"overran": 2}


def test_a_signal_to_the_whole_group_is_a_drain_too(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    worker = start_worker("-c", "2").wait_until_ready()
    result = project.work.delay("running", 1.0)
    wait_until(lambda: journal.counts("start"), what="it runs")

    worker.signal_group(signal.SIGTERM)

    assert worker.wait() == 0
    assert result.successful()


def test_an_idle_worker_stops_at_once_and_leaves_no_process(
    project: ModuleType, start_worker: StartWorker
) -> None:
    worker = start_worker("-c", "2").wait_until_ready()
    processes = worker.processes()

    assert worker.stop() == 0

    wait_until(lambda: not any(is_alive(process) for process in processes))
    assert project.app.broker.admin.nodes() == []
