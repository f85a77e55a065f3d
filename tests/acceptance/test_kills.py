"""Whatever process dies, every accepted task runs, and none runs twice without need."""

import contextlib
import itertools
import random
import signal
from collections.abc import Callable
from types import ModuleType

import psutil
import pytest

from sedano import states
from tests.acceptance.workers import Journal, Worker, is_alive, wait_until

pytestmark = pytest.mark.acceptance

StartWorker = Callable[..., Worker]

#: Tasks that a kill may make run again: with two slots, those running and those not yet reported.
SECOND_RUNS_PER_KILL = 8


def test_no_task_is_lost_when_the_whole_worker_is_killed_again_and_again(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    results = [project.work.delay(n, 0.005) for n in range(1000)]
    kills = 5

    for kill in range(kills):
        before = sum(journal.counts("done").values())
        worker = start_worker("-c", "2", "worker_lease=3").wait_until_ready()
        wait_until(
            lambda before=before: sum(journal.counts("done").values()) >= before + 120, what="progress"
        )
        worker.kill()
        del kill
    restarted = start_worker("-c", "2", "worker_lease=3").wait_until_ready()
    wait_until(lambda: len(journal.counts("done")) == 1000, timeout=20, what="every task was done")

    wait_until(lambda: all(result.successful() for result in results), what="every result is stored")
    assert restarted.stop() == 0
    starts = journal.counts("start")
    assert set(starts) == {str(n) for n in range(1000)}
    assert sum(starts.values()) - 1000 <= kills * SECOND_RUNS_PER_KILL


def killed_a_child(worker: Worker, journal: Journal, chance: random.Random) -> bool:
    """Kill one of the children that have begun a task; false if none is alive, or it ended just now."""
    with contextlib.suppress(psutil.NoSuchProcess):
        began = journal.pids("start")
        alive = [p for p in worker.processes() if p.pid in began and is_alive(p)]
        if alive:
            chance.choice(alive).kill()
            return True
    return False


def test_killed_children_lose_only_what_they_were_running(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    results = [project.work.delay(n, 0.005) for n in range(1000)]
    worker = start_worker("-c", "2").wait_until_ready()
    kills, chance = 20, random.Random(7)

    for kill in range(kills):
        goal = (kill + 1) * 40
        wait_until(lambda goal=goal: sum(journal.counts("done").values()) >= goal, what="progress")
        wait_until(lambda: killed_a_child(worker, journal, chance), what="a child to kill")
    wait_until(lambda: all(result.successful() for result in results), what="every result is stored")

    assert worker.stop() == 0
    starts = journal.counts("start")
    assert set(starts) == {str(n) for n in range(1000)}
    # The running one, and what had been finished within the last 10 ms: two tasks of 5 ms.
    assert sum(starts.values()) - 1000 <= kills * 3


def test_a_task_that_kills_its_process_is_buried_and_holds_nobody_up(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    worker = start_worker("-c", "2").wait_until_ready()

    killer = project.kill_own_process.delay("killer")
    wait_until(lambda: killer.state == states.FAILURE, what="the killer is given up")

    starts = journal.times("start", "killer")
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert len(starts) == 1 + 3
    assert gaps == sorted(gaps)
    assert gaps[0] >= 1.0
    (letter,) = project.app.broker.admin.dead_letters()
    assert letter.task_id == killer.id
    assert "SIGKILL" in letter.reason
    assert "SIGKILL" in str(killer.result)
    assert project.work.delay("after").get(timeout=10) == "after"
    assert worker.stop() == 0


def test_a_frozen_worker_commits_nothing_that_others_took_over(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    frozen = start_worker("-c", "2", "-n", "frozen", "worker_lease=2").wait_until_ready()
    results = [project.where.delay(n) for n in ("warm", "up")]
    assert all(result.get(timeout=10) for result in results)
    slow = [project.work.delay(n, 2.0) for n in range(2)]
    wait_until(lambda: len(journal.counts("start")) == 4, what="both slots are busy")

    frozen.signal_group(signal.SIGSTOP)
    other = start_worker("-c", "2", "-n", "other", "worker_lease=2").wait_until_ready()
    wait_until(lambda: all(result.successful() for result in slow), timeout=40, what="the other took over")
    documents = [project.app.results.get(result.id) for result in slow]
    frozen.signal_group(signal.SIGCONT)

    wait_until(lambda: "took this one for dead" in frozen.text(), timeout=20, what="it knows it lost")
    assert project.where.delay("again").get(timeout=10)
    wait_until(lambda: not project.app.broker.admin.depth("celery").claimed, what="nothing is claimed")
    assert [project.app.results.get(result.id) for result in slow] == documents
    assert frozen.stop() == 0
    assert other.stop() == 0


def test_children_do_not_outlive_a_killed_parent(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    worker = start_worker("-c", "2").wait_until_ready()
    project.work.delay("long", 600)
    wait_until(lambda: journal.counts("start"), what="the task runs")
    processes = worker.processes()

    worker.signal(signal.SIGKILL)

    wait_until(lambda: not any(is_alive(process) for process in processes[1:]))


def test_a_killed_zygote_is_replaced_and_its_tasks_run_again(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    worker = start_worker("-c", "2").wait_until_ready()
    result = project.work.delay("slow", 1.0)
    wait_until(lambda: journal.counts("start"), what="the task runs")
    (zygote,) = (p for p in worker.processes()[1:] if p.ppid() == worker.pid)

    zygote.kill()

    assert result.get(timeout=30) == "slow"
    assert journal.counts("start") == {"slow": 2}
    assert worker.stop() == 0
