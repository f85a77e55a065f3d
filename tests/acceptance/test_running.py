"""What a worker does with tasks: retries, limits, progress, recycling, messages it cannot run."""

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest

from sedano import states
from sedano.brokers.publication import Publication
from sedano.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded
from sedano.message.envelope import Envelope
from tests.acceptance.workers import Journal, Worker, wait_until

pytestmark = pytest.mark.acceptance

StartWorker = Callable[..., Worker]


def test_a_worker_says_at_its_start_who_and_where_it_is(directory: Path, start_worker: StartWorker) -> None:
    said = start_worker("-c", "2", "-n", "w1").wait_until_ready().text()

    assert "sedano worker w1@" in said
    assert f"{directory}/queue.db" in said
    assert "slots    2 (prefork)" in said
    assert "project.work" in said


def test_a_retried_task_runs_again_under_its_id(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    start_worker("-c", "2").wait_until_ready()

    result = project.fail_twice.delay("again")

    assert result.get(timeout=20) == 2
    assert journal.counts("start") == {"again": 3}


def test_a_failure_reaches_the_caller_with_its_traceback(
    project: ModuleType, start_worker: StartWorker
) -> None:
    worker = start_worker("-c", "1").wait_until_ready()

    result = project.fail.delay(7)

    with pytest.raises(ValueError, match="no"):
        result.get(timeout=20)
    assert result.state == states.FAILURE
    assert 'raise ValueError("no", key)' in result.traceback
    assert "sedano/execution" not in result.traceback
    wait_until(lambda: "raised unexpected" in worker.text())


def test_a_hard_time_limit_kills_the_task_and_not_the_slot(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    start_worker("-c", "1").wait_until_ready()

    result = project.overrun.delay("over")

    with pytest.raises(TimeLimitExceeded):
        result.get(timeout=20)
    assert project.work.delay("next").get(timeout=20) == "next"
    assert journal.counts("start")["over"] == 1


def test_a_soft_time_limit_lets_the_task_clean_up(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    start_worker("-c", "1").wait_until_ready()

    result = project.clean_up.delay("soft")

    assert result.get(timeout=20) == "SoftTimeLimitExceeded"
    assert journal.counts("cleaned") == {"soft": 1}


def test_limits_given_to_the_worker_and_to_the_call_hold(
    project: ModuleType, start_worker: StartWorker
) -> None:
    start_worker("-c", "2", "--time-limit", "1").wait_until_ready()

    by_worker = project.work.delay("slow", 600)
    by_call = project.work.apply_async(("slower", 600), soft_time_limit=0.3, time_limit=30)

    with pytest.raises(TimeLimitExceeded):
        by_worker.get(timeout=20)
    with pytest.raises(SoftTimeLimitExceeded):
        by_call.get(timeout=20)


def test_a_coroutine_is_cancelled_at_its_soft_limit(project: ModuleType, start_worker: StartWorker) -> None:
    start_worker("-c", "1").wait_until_ready()

    with pytest.raises(SoftTimeLimitExceeded):
        project.nap_too_long.delay("nap").get(timeout=20)


def test_progress_is_seen_while_the_task_runs(
    project: ModuleType, journal: Journal, directory: Path, start_worker: StartWorker
) -> None:
    start_worker("-c", "1").wait_until_ready()

    result = project.report_progress.delay("p")
    wait_until(lambda: result.state == "PROGRESS", what="progress shows")

    assert result.info == {"current": 1, "total": 2}
    (directory / "go-on").touch()
    assert result.get(timeout=20) == "finished"


def test_started_is_stored_where_it_is_asked_for(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    start_worker("-c", "1", "task_track_started=1", "-n", "tracker").wait_until_ready()

    result = project.work.delay("long", 600)

    wait_until(lambda: result.state == states.STARTED, what="STARTED shows")
    assert result.info["pid"] in journal.pids("start") or not journal.lines()
    assert result.info["hostname"].startswith("tracker@")


def test_children_are_replaced_after_so_many_tasks(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    start_worker("-c", "1", "--max-tasks-per-child", "5").wait_until_ready()

    pids = [project.where.delay(n).get(timeout=20) for n in range(20)]

    assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [5, 5, 5, 5]


def test_a_child_that_has_grown_too_large_is_replaced(project: ModuleType, start_worker: StartWorker) -> None:
    worker = start_worker("-c", "1", "--max-memory-per-child", "150000").wait_until_ready()

    small = project.where.delay(0).get(timeout=20)
    assert project.where.delay(1).get(timeout=20) == small
    grown = project.grow.delay(200).get(timeout=20)

    assert grown == small
    wait_until(lambda: project.where.delay(2).get(timeout=20) != small, what="another child works")
    assert worker.stop() == 0


def test_a_message_of_an_unknown_task_waits_for_a_worker_that_knows_it(
    project: ModuleType, journal: Journal, directory: Path, start_worker: StartWorker
) -> None:
    old = start_worker("-c", "1").wait_until_ready()
    result = project.app.send_task("project.brand_new", ["x"])
    wait_until(lambda: project.app.broker.admin.depth("celery").parked == 1, what="it is parked")
    assert project.work.delay("other").get(timeout=20) == "other"

    with (directory / "project.py").open("a") as code:
        code.write("\n\n@app.task\ndef brand_new(key):\n    note('start', key)\n    return 'known'\n")
    start_worker("-c", "1").wait_until_ready()

    assert result.get(timeout=20) == "known"
    assert "brand_new" in old.text()


def test_messages_that_cannot_be_read_are_buried_and_the_worker_goes_on(
    project: ModuleType, start_worker: StartWorker
) -> None:
    start_worker("-c", "1").wait_until_ready()
    headers = b'{"task": "project.work", "id": "%s"}'
    bad = [
        ("malformed", Envelope(headers % b"malformed", b"\xff{")),
        (
            "pickled",
            Envelope(headers % b"pickled", b"\x80\x04N.", "application/x-python-serialize", "binary"),
        ),
        ("no-headers", Envelope(b"not json", b"[[], {}, {}]")),
    ]

    for task_id, envelope in bad:
        project.app.broker.publish([Publication(task_id, "project.work", "celery", envelope)])

    admin = project.app.broker.admin
    wait_until(lambda: len(admin.dead_letters()) == 3, what="all are buried")
    reasons = {letter.task_id: letter.reason for letter in admin.dead_letters()}
    assert reasons["malformed"].startswith("MalformedMessage")
    assert reasons["pickled"].startswith("ContentDisallowed")
    assert project.app.AsyncResult("malformed").state == states.FAILURE
    assert project.work.delay("fine").get(timeout=20) == "fine"


def test_an_expired_task_is_not_run(project: ModuleType, journal: Journal, start_worker: StartWorker) -> None:
    late = project.work.apply_async(("late",), expires=-1)
    start_worker("-c", "1").wait_until_ready()

    wait_until(lambda: late.state == states.REVOKED, what="it is revoked")
    assert project.work.delay("fine").get(timeout=20) == "fine"
    assert not journal.counts("start")["late"]


def test_an_eta_is_kept_and_survives_a_restart(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    first = start_worker("-c", "1").wait_until_ready()
    eta = datetime.now(UTC) + timedelta(seconds=2)
    result = project.work.apply_async(("later",), eta=eta)
    assert first.stop() == 0
    start_worker("-c", "1").wait_until_ready()

    result.get(timeout=20)

    (started,) = journal.times("start", "later")
    assert -0.01 <= started - eta.timestamp() < 20


def test_an_at_most_once_task_does_not_run_again_when_its_process_dies(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    start_worker("-c", "1").wait_until_ready()
    result = project.at_most_once.delay("once", 600)
    wait_until(lambda: journal.counts("start"), what="it runs")

    os.kill(next(iter(journal.pids("start"))), 9)

    wait_until(lambda: result.state == states.FAILURE, what="the failure is known")
    assert project.work.delay("next").get(timeout=20) == "next"
    assert journal.counts("start")["once"] == 1


def test_the_solo_pool_runs_tasks_in_its_one_process(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    worker = start_worker("-P", "solo", PROJECT_WITHOUT_LIMITS="1").wait_until_ready()

    assert project.where.delay(1).get(timeout=20) == worker.pid
    assert project.nap.delay("nap", 0.01).get(timeout=20) == "nap"
    assert worker.stop() == 0


def test_a_second_signal_ends_the_solo_pool_in_the_middle_of_a_task(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    worker = start_worker("-P", "solo", PROJECT_WITHOUT_LIMITS="1").wait_until_ready()
    result = project.work.delay("long", 600)
    wait_until(lambda: journal.counts("start"), what="it runs")

    worker.signal(signal.SIGINT)
    worker.signal(signal.SIGTERM)

    assert worker.wait(timeout=20) == 0
    message = project.app.broker.admin.find(result.id)
    assert message is not None
    assert (message.state, message.crashes) == ("ready", 0)


def test_the_solo_pool_refuses_limits_that_it_cannot_keep(start_worker: StartWorker) -> None:
    worker = start_worker("-P", "solo")

    assert worker.wait() == 2
    assert "the solo pool cannot keep time limits" in worker.text()
    assert "Traceback" not in worker.text()


def test_editing_a_module_reloads_it_without_interrupting_what_runs(
    project: ModuleType, journal: Journal, directory: Path, start_worker: StartWorker
) -> None:
    worker = start_worker("-c", "2", "--reload").wait_until_ready()
    running = project.work.delay("running", 4.0)
    wait_until(lambda: journal.counts("start")["running"], what="it runs")
    code = (directory / "project.py").read_text()

    (directory / "project.py").write_text(code + "\n\nthis is no Python\n")
    wait_until(lambda: "cannot be imported" in worker.text(), what="the error is shown")
    assert project.work.delay("old").get(timeout=20) == "old"
    (directory / "project.py").write_text(code + "\n\n@app.task\ndef added():\n    return 'new code'\n")

    assert project.app.send_task("project.added").get(timeout=20) == "new code"
    assert running.get(timeout=20) == "running"
    assert journal.counts("start")["running"] == 1
    assert worker.stop() == 0


def test_the_pid_file_names_the_parent_while_it_lives(
    directory: Path, project: ModuleType, start_worker: StartWorker
) -> None:
    file = directory / "worker.pid"
    worker = start_worker("-c", "1", "--pidfile", str(file)).wait_until_ready()

    assert int(file.read_text()) == worker.pid
    second = start_worker("-c", "1", "--pidfile", str(file))
    assert second.wait() == 2
    assert f"process id {worker.pid}" in second.text()

    assert worker.stop() == 0
    assert not file.exists()


def test_what_tasks_print_is_logged_where_the_setting_says_so(
    directory: Path, project: ModuleType, start_worker: StartWorker
) -> None:
    with (directory / "project.py").open("a") as code:
        code.write("\n\n@app.task\ndef shout():\n    print('hello from a task')\n")
    worker = start_worker("-c", "1", "worker_redirect_stdouts=1").wait_until_ready()

    project.app.send_task("project.shout").get(timeout=20)

    wait_until(lambda: "hello from a task" in worker.text())
    (line,) = (line for line in worker.text().splitlines() if "hello from a task" in line)
    assert "WARNING" in line


def test_a_receiver_that_waits_in_vain_is_told(
    directory: Path, project: ModuleType, start_worker: StartWorker
) -> None:
    with (directory / "project.py").open("a") as code:
        code.write("\n\nfrom sedano import signals\n\n\n@signals.task_sent.connect\ndef hear(**_): ...\n")

    worker = start_worker("-c", "1").wait_until_ready()

    assert "task_sent: receivers of this signal are never called" in worker.text()
