"""Many tasks at once in one process, in threads and on an event loop, alone and beside processes for the
tasks that need those."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import psutil
import pytest

from sedano import group
from sedano.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded
from tests.acceptance.workers import Journal, Worker, wait_until

pytestmark = pytest.mark.acceptance

StartWorker = Callable[..., Worker]

#: The tasks of the project that have limits have none here, but for those below.
NO_LIMITS = {"PROJECT_WITHOUT_LIMITS": "1"}

TASKS = '''

import threading


def busy_until(seconds):
    """Waits as Python code does that an exception can interrupt."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.005)


@app.task
def thread_of(key, seconds):
    note("start", key)
    time.sleep(seconds)
    note("done", key)
    return threading.get_ident()


@app.task
def wait_for_go(key):
    note("start", key)
    while not (HERE / "go-on").exists():
        time.sleep(0.01)
    note("done", key)
    return key


@app.task
def busy(key, seconds):
    note("start", key)
    try:
        busy_until(seconds)
    except BaseException as error:
        note("interrupted", key)
        raise
    note("done", key)
    return key


@app.task(bind=True, max_retries=2)
def fail_once(self, key):
    note("start", key)
    if not self.request.retries:
        raise self.retry(countdown=0)
    return key
'''

LIMITED = """

@app.task(time_limit=1.0)
def killed_at_limit(key):
    note("start", key)
    time.sleep(600)


@app.task(time_limit=60.0)
def limited(key):
    note("start", key)
    return os.getpid()
"""


@pytest.fixture(autouse=True)
def _tasks(directory: Path) -> None:
    with (directory / "project.py").open("a") as code:
        code.write(TASKS)


@pytest.fixture
def with_limits(directory: Path) -> None:
    with (directory / "project.py").open("a") as code:
        code.write(LIMITED)


def child_of(worker: Worker, journal: Journal) -> psutil.Process:
    """The process that has begun a task last."""
    (pid,) = {int(pid) for _, _, pid, _ in journal.lines()[-1:]}
    return next(process for process in worker.processes() if process.pid == pid)


def test_a_thousand_coroutine_tasks_sleep_at_once_on_one_process(
    project: ModuleType, journal: Journal, start_worker: StartWorker, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = start_worker("-P", "asyncio", "-c", "1000", **NO_LIMITS).wait_until_ready()
    warm_up = project.nap.delay("warm-up", 0.0)
    assert warm_up.get(timeout=20) == "warm-up"

    began = time.time()
    results = project.nap.publish_many([(n, 1.0) for n in range(1000)])
    published = time.time()
    wait_until(lambda: len(journal.counts("done")) == 1001, what="all have slept")
    slept = time.time()
    wait_until(lambda: all(result.ready() for result in results[-5:]), what="results")

    with capsys.disabled():
        print(
            f"\n1000 sleeps of 1 s: published in {published - began:.2f} s, done {slept - began:.2f} s after"
        )
    assert "slots    1 (prefork), 1000 (asyncio)" in worker.text()
    assert len(journal.pids("start")) == 1
    assert slept - began < 10


def test_two_hundred_functions_wait_at_once_in_threads(
    project: ModuleType, journal: Journal, start_worker: StartWorker, capsys: pytest.CaptureFixture[str]
) -> None:
    start_worker("-P", "threads", "-c", "200", **NO_LIMITS).wait_until_ready()
    project.thread_of.delay("warm-up", 0.0).get(timeout=20)

    began = time.time()
    results = project.thread_of.publish_many([(n, 2.0) for n in range(200)])
    threads = {result.get(timeout=20) for result in results}
    took = time.time() - began

    with capsys.disabled():
        print(f"\n200 functions of 2 s in threads: {took:.2f} s")
    assert len(threads) == 200
    assert len(journal.pids("start")) == 1
    assert took < 20  # one after the other they would take 400 s


def test_threads_are_used_again(project: ModuleType, start_worker: StartWorker) -> None:
    start_worker("-P", "threads", "-c", "20", **NO_LIMITS).wait_until_ready()

    threads = [project.thread_of.delay(n, 0.0).get(timeout=20) for n in range(10)]

    assert len(set(threads)) <= 2


def test_a_killed_process_of_threads_loses_none_of_its_tasks(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    worker = start_worker("-P", "threads", "-c", "50", **NO_LIMITS).wait_until_ready()
    results = project.thread_of.publish_many([(n, 0.5) for n in range(120)])
    wait_until(lambda: len(journal.counts("start")) >= 70, what="it is in the middle of them")

    child_of(worker, journal).kill()

    wait_until(lambda: all(result.successful() for result in results), what="all are done")
    starts = journal.counts("start")
    assert set(starts) == {str(n) for n in range(120)}
    assert max(starts.values()) <= 2
    assert sum(starts.values()) <= 120 + 50 + 10
    assert worker.stop() == 0


def test_a_killed_process_of_coroutines_loses_none_of_its_tasks(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    worker = start_worker("-P", "asyncio", "-c", "50", **NO_LIMITS).wait_until_ready()
    results = project.nap.publish_many([(n, 0.5) for n in range(120)])
    wait_until(lambda: len(journal.counts("start")) >= 70, what="it is in the middle of them")

    child_of(worker, journal).kill()

    wait_until(lambda: all(result.successful() for result in results), what="all are done")
    assert set(journal.counts("start")) == {str(n) for n in range(120)}
    assert worker.stop() == 0


@pytest.mark.parametrize("pool", ["threads", "asyncio"])
def test_sigterm_lets_running_tasks_finish_and_hands_on_the_rest(
    project: ModuleType, journal: Journal, start_worker: StartWorker, pool: str
) -> None:
    leaving = start_worker("-P", pool, "-c", "10", **NO_LIMITS).wait_until_ready()
    task = project.thread_of if pool == "threads" else project.nap
    running = task.publish_many([(n, 2.0) for n in range(10)])
    wait_until(lambda: len(journal.counts("start")) == 10, what="they run")
    waiting = task.publish_many([(f"w{n}", 0.0) for n in range(50)])

    leaving.signal(signal.SIGTERM)
    staying = start_worker("-P", pool, "-c", "10", **NO_LIMITS).wait_until_ready()

    wait_until(lambda: all(result.successful() for result in waiting), what="another worker took them")
    assert leaving.wait() == 0
    assert all(result.successful() for result in running)
    assert set(journal.counts("start").values()) == {1}
    assert staying.stop() == 0


@pytest.mark.parametrize("pool", ["threads", "asyncio"])
def test_what_outlasts_the_grace_goes_back_uncounted(
    project: ModuleType, journal: Journal, start_worker: StartWorker, pool: str
) -> None:
    leaving = start_worker("-P", pool, "-c", "3", GRACE="0.5", **NO_LIMITS).wait_until_ready()
    task = project.thread_of if pool == "threads" else project.nap
    results = task.publish_many([(n, 600) for n in range(3)])
    wait_until(lambda: len(journal.counts("start")) == 3, what="they run")

    assert leaving.stop() == 0

    found = [project.app.broker.admin.find(result.id) for result in results]
    assert [(message.state, message.crashes) for message in found] == [("ready", 0)] * 3


def test_a_soft_limit_interrupts_the_thread_it_is_meant_for(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    start_worker("-P", "threads", "-c", "10", **NO_LIMITS).wait_until_ready()
    others = project.busy.publish_many([(f"other{n}", 1.5) for n in range(5)])

    limited = project.busy.apply_async(("limited", 600), soft_time_limit=0.5)

    with pytest.raises(SoftTimeLimitExceeded):
        limited.get(timeout=20)
    assert [other.get(timeout=20) for other in others] == [f"other{n}" for n in range(5)]
    assert set(journal.counts("interrupted")) == {"limited"}
    # The thread is as good as new.
    assert [project.busy.delay(n, 0.02).get(timeout=20) for n in range(10)] == list(range(10))


def test_limits_that_pass_at_the_end_of_a_task_hit_nothing_else(
    project: ModuleType, start_worker: StartWorker
) -> None:
    start_worker("-P", "threads", "-c", "20", **NO_LIMITS).wait_until_ready()

    results = [project.busy.apply_async((n, 0.1), soft_time_limit=0.1) for n in range(200)]

    wait_until(lambda: all(result.ready() for result in results), what="all have ended")
    assert {type(result.result) for result in results} <= {int, SoftTimeLimitExceeded}
    assert [project.busy.delay(n, 0.02).get(timeout=20) for n in range(40)] == list(range(40))


def test_a_hard_limit_of_a_call_interrupts_its_thread(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    start_worker("-P", "threads", "-c", "5", **NO_LIMITS).wait_until_ready()
    other = project.busy.delay("other", 1.5)

    limited = project.busy.apply_async(("limited", 600), time_limit=0.5)

    with pytest.raises(TimeLimitExceeded):
        limited.get(timeout=20)
    assert other.get(timeout=20) == "other"
    assert journal.counts("start")["other"] == 1


def test_a_thread_that_does_not_heed_the_hard_limit_of_its_call_costs_its_process(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    start_worker("-P", "threads", "-c", "5", **NO_LIMITS).wait_until_ready()
    other = project.thread_of.delay("other", 5.0)
    wait_until(lambda: journal.counts("start")["other"], what="it runs")

    limited = project.thread_of.apply_async(("limited", 600), time_limit=0.5)

    with pytest.raises(TimeLimitExceeded):
        limited.get(timeout=20)
    assert other.get(timeout=30)
    assert journal.counts("start") == {"other": 2, "limited": 1}


def test_a_task_with_a_hard_limit_runs_in_a_process_while_all_threads_are_busy(
    with_limits: None, project: ModuleType, journal: Journal, start_worker: StartWorker, directory: Path
) -> None:
    worker = start_worker("-P", "prefork=1,threads=4", **NO_LIMITS).wait_until_ready()
    waiting = project.wait_for_go.publish_many([(f"t{n}",) for n in range(8)])
    wait_until(lambda: len(journal.counts("start")) == 4, what="the threads are busy")
    threads = journal.pids("start")

    assert project.limited.delay("in-time").get(timeout=20) not in threads
    with pytest.raises(TimeLimitExceeded):
        project.killed_at_limit.delay("late").get(timeout=20)

    assert not any(result.ready() for result in waiting)
    (directory / "go-on").touch()
    assert [result.get(timeout=20) for result in waiting] == [f"t{n}" for n in range(8)]
    by_call = project.thread_of.apply_async(("by-call", 600), time_limit=0.5)
    with pytest.raises(TimeLimitExceeded):
        by_call.get(timeout=20)
    assert not threads & {int(pid) for word, key, pid, _ in journal.lines() if key == "by-call"}
    assert set(journal.counts("start").values()) == {1}
    assert "slots    1 (prefork), 4 (threads), 200 (asyncio)" in worker.text()
    assert worker.stop() == 0


def test_another_node_gets_what_the_first_has_no_slot_for(
    with_limits: None, project: ModuleType, journal: Journal, start_worker: StartWorker, directory: Path
) -> None:
    start_worker("-P", "prefork=1,threads=2", **NO_LIMITS).wait_until_ready()
    busy = project.wait_for_go.publish_many([(f"t{n}",) for n in range(2)])
    wait_until(lambda: len(journal.counts("start")) == 2, what="the threads are busy")
    quick = project.work.publish_many([(f"q{n}",) for n in range(20)])

    # Its process still works, past the messages that it has no thread for, and it holds none of those.
    assert project.limited.delay("limited").get(timeout=20)
    assert project.app.broker.admin.depth("celery").claimed <= 3
    assert not any(result.ready() for result in quick)
    ready = start_worker("-P", "prefork=1,threads=2", **NO_LIMITS).wait_until_ready()
    ready_at = time.time()

    wait_until(lambda: all(result.successful() for result in quick), timeout=20, what="the other did them")
    assert max(journal.times("done", f"q{n}")[0] for n in range(20)) - ready_at < 10
    (directory / "go-on").touch()
    assert all(result.get(timeout=20) for result in busy)
    assert ready.stop() == 0


def test_a_task_says_which_slots_it_needs(
    project: ModuleType, journal: Journal, start_worker: StartWorker, directory: Path
) -> None:
    with (directory / "project.py").open("a") as code:
        code.write("\n\napp.conf.task_annotations = {'project.where': {'pool': 'prefork'}}\n")
    start_worker("-P", "prefork=1,threads=4,asyncio=50", **NO_LIMITS).wait_until_ready()

    in_process = {project.where.delay(n).get(timeout=20) for n in range(5)}
    project.thread_of.delay("thread", 0.0).get(timeout=20)
    project.nap.delay("nap", 0.0).get(timeout=20)

    pids = {key: pid for word, key, pid, _ in journal.lines() if word == "start"}
    assert len(in_process | {int(pids["thread"]), int(pids["nap"])}) == 3


def test_a_node_leaves_a_task_to_nodes_that_have_the_slots_it_needs(
    project: ModuleType, journal: Journal, start_worker: StartWorker, directory: Path
) -> None:
    with (directory / "project.py").open("a") as code:
        code.write("\n\napp.tasks['project.where'].pool = 'prefork'\n")
    without = start_worker("-P", "threads", "-c", "4", **NO_LIMITS).wait_until_ready()
    result = project.where.delay("needs-a-process")
    wait_until(lambda: project.app.broker.admin.depth("celery").parked == 1, what="it is set aside")
    assert project.thread_of.delay("goes-on", 0.0).get(timeout=20)

    having = start_worker("-P", "prefork", "-c", "1", **NO_LIMITS).wait_until_ready()

    pid = result.get(timeout=20)
    assert pid in {process.pid for process in having.processes()}
    assert (
        "No prefork slots here (--pool prefork=N): left to other workers are project.where" in without.text()
    )


def test_a_hard_limit_without_a_process_is_refused_at_the_start(
    with_limits: None, project: ModuleType, start_worker: StartWorker
) -> None:
    worker = start_worker("-P", "threads", "-c", "4", **NO_LIMITS)

    assert worker.wait() == 2
    assert "task project.killed_at_limit: a thread cannot be killed" in worker.text()
    assert "--pool threads=4,prefork=2" in worker.text()
    assert "Traceback" not in worker.text()


def test_a_hard_limit_of_the_worker_is_refused_without_a_process(
    project: ModuleType, start_worker: StartWorker
) -> None:
    worker = start_worker("-P", "threads", "-c", "4", "--time-limit", "5", **NO_LIMITS)

    assert worker.wait() == 2
    assert "a thread cannot be killed, so time_limit (5 s) cannot be kept here" in worker.text()


@pytest.mark.parametrize("pool", ["threads", "asyncio"])
def test_a_process_of_many_is_replaced_after_so_many_tasks(
    project: ModuleType, journal: Journal, start_worker: StartWorker, pool: str
) -> None:
    start_worker("-P", pool, "-c", "5", "--max-tasks-per-child", "10", **NO_LIMITS).wait_until_ready()
    task = project.thread_of if pool == "threads" else project.nap

    results = task.publish_many([(n, 0.05) for n in range(40)])

    wait_until(lambda: all(result.successful() for result in results), what="all are done")
    by_process = [pid for word, _, pid, _ in journal.lines() if word == "start"]
    assert {by_process.count(pid) for pid in by_process} == {10}
    assert set(journal.counts("start").values()) == {1}


def test_a_process_of_threads_that_has_grown_too_large_is_replaced(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    start_worker(
        "-P", "threads", "-c", "5", "--max-memory-per-child", "150000", **NO_LIMITS
    ).wait_until_ready()

    grown = project.grow.delay(200).get(timeout=20)

    wait_until(lambda: project.where.delay("after").get(timeout=20) != grown, what="another process works")


def test_functions_run_beside_coroutines_in_the_asyncio_pool(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    start_worker("-P", "asyncio", "-c", "10", **NO_LIMITS).wait_until_ready()
    naps = project.nap.publish_many([(n, 1.0) for n in range(10)])

    assert project.work.delay("function").get(timeout=20) == "function"
    assert [nap.get(timeout=20) for nap in naps] == list(range(10))
    assert len(journal.pids("start")) == 1


def test_retries_and_chords_work_in_threads(project: ModuleType, start_worker: StartWorker) -> None:
    start_worker("-P", "threads", "-c", "20", **NO_LIMITS).wait_until_ready()

    retried = [project.fail_once.delay(n) for n in range(20)]
    chord = (group(project.add.s(n, n) for n in range(30)) | project.total.s()).delay()

    assert [result.get(timeout=20) for result in retried] == list(range(20))
    assert chord.get(timeout=20) == 2 * sum(range(30))


def test_expired_coroutine_tasks_are_told_of_while_every_function_slot_is_busy(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    late = [project.nap.apply_async((n, 0.0), expires=-1) for n in range(50)]
    worker = start_worker("-P", "asyncio", "-c", "20", **NO_LIMITS).wait_until_ready()
    project.work.delay("long", 600)

    wait_until(lambda: all(result.state == "REVOKED" for result in late), timeout=10, what="all are revoked")
    assert not any(key.isdigit() for key in journal.counts("start"))
    worker.signal(signal.SIGQUIT)
    assert worker.wait() == 0


def test_the_solo_pool_says_that_it_does_not_keep_the_limit_of_a_call(
    project: ModuleType, start_worker: StartWorker
) -> None:
    worker = start_worker("-P", "solo", **NO_LIMITS).wait_until_ready()

    assert project.work.apply_async(("limited",), time_limit=5).get(timeout=20) == "limited"

    wait_until(lambda: "project.work runs without its time limit" in worker.text())
