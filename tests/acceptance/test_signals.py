"""The signals of a worker's life, where they are sent by real workers: in which order, in which process."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import psutil
import pytest

from tests.acceptance.workers import Journal, Worker, is_alive, wait_until
from tests.unit.django.suite.shop_process import ShopProcess

pytestmark = pytest.mark.acceptance

StartWorker = Callable[..., Worker]
Listen = Callable[[str], None]

#: Each signal of the worker's is a line of the journal: its name, and what it was sent with.
HEAR_ALL = """
def hear(signal, sender, **named):
    shown = [getattr(sender, "hostname", sender)]
    shown += [named[name] for name in ("sig", "how", "exitcode") if name in named]
    note(signal.name, "/".join(map(str, shown)))

for name in ("celeryd_init", "worker_init", "celeryd_after_setup", "worker_before_create_process",
             "worker_process_init", "worker_ready", "worker_shutting_down", "worker_process_shutdown",
             "worker_shutdown"):
    getattr(signals, name).connect(hear, weak=False)
"""

#: A receiver of a signal that does not end.
HANG_IN = """
@signals.{0}.connect
def hang(**_):
    note("hanging", "{0}")
    time.sleep(600)
"""


@pytest.fixture
def listen(directory: Path) -> Listen:
    """Adds receivers to the project, before a worker is started."""
    with (directory / "project.py").open("a") as code:
        code.write("\n\nimport threading\n\nfrom sedano import signals\n")

    def add(more: str) -> None:
        with (directory / "project.py").open("a") as code:
            code.write(f"\n\n{more}\n")

    return add


def names(journal: Journal) -> list[str]:
    return [word for word, *_ in journal.lines()]


def test_the_signals_of_a_worker_come_in_celerys_order(
    listen: Listen, journal: Journal, start_worker: StartWorker
) -> None:
    listen(HEAR_ALL)

    worker = start_worker("-c", "1", "-n", "w1@host").wait_until_ready()
    wait_until(lambda: journal.pids("worker_ready"))
    assert worker.stop() == 0

    in_order = [name for name in names(journal) if name != "worker_before_create_process"]
    assert [name for name in in_order if not name.startswith("worker_process")] == [
        "celeryd_init",
        "worker_init",
        "celeryd_after_setup",
        "worker_ready",
        "worker_shutting_down",
        "worker_shutdown",
    ]
    assert in_order.index("worker_process_init") < in_order.index("worker_ready")
    assert in_order.index("worker_process_shutdown") < in_order.index("worker_shutdown")
    keys = {word: key for word, key, *_ in journal.lines()}
    assert keys.pop("worker_shutting_down") == "w1@host/SIGTERM/Warm/0"
    assert keys.pop("worker_process_shutdown") == "w1@host/0"
    assert set(keys.values()) == {"w1@host"}


def test_they_are_sent_where_the_application_is(
    listen: Listen, journal: Journal, start_worker: StartWorker
) -> None:
    listen(HEAR_ALL)

    worker = start_worker("-c", "2").wait_until_ready()
    wait_until(lambda: journal.pids("worker_ready"))
    worker.stop()

    (importing,) = journal.pids("worker_init")
    (herald,) = journal.pids("worker_ready")
    children = journal.pids("worker_process_init")
    assert len({worker.pid, importing, herald, *children}) == 5
    assert journal.pids("celeryd_init") == journal.pids("celeryd_after_setup") == {importing}
    assert journal.pids("worker_before_create_process") == {importing}
    assert journal.pids("worker_shutting_down") == journal.pids("worker_shutdown") == {herald}
    assert journal.pids("worker_process_shutdown") == children


def test_a_solo_worker_sends_them_all_in_its_one_process(
    listen: Listen, journal: Journal, start_worker: StartWorker
) -> None:
    listen(HEAR_ALL)

    worker = start_worker("--pool", "solo", PROJECT_WITHOUT_LIMITS="1").wait_until_ready()
    worker.stop()

    assert names(journal) == [
        "celeryd_init",
        "worker_init",
        "celeryd_after_setup",
        "worker_process_init",
        "worker_ready",
        "worker_shutting_down",
        "worker_process_shutdown",
        "worker_shutdown",
    ]
    assert {int(pid) for _, _, pid, _ in journal.lines()} == {worker.pid}


def test_a_worker_that_is_solo_by_its_settings_initializes_once(
    listen: Listen, journal: Journal, start_worker: StartWorker
) -> None:
    listen(HEAR_ALL + '\napp.conf.worker_pool = "solo"')

    worker = start_worker(PROJECT_WITHOUT_LIMITS="1").wait_until_ready()
    worker.stop()

    assert names(journal).count("worker_init") == names(journal).count("worker_shutdown") == 1
    assert journal.pids("worker_init") == {worker.pid}


def test_a_worker_whose_signals_nobody_hears_has_no_process_for_them(
    directory: Path, start_worker: StartWorker
) -> None:
    worker = start_worker("-c", "2").wait_until_ready()

    assert len(worker.processes()) == 4


def test_a_receiver_can_configure_one_worker_by_its_name(
    listen: Listen, project: ModuleType, start_worker: StartWorker
) -> None:
    listen("""
@signals.celeryd_init.connect(sender="special@host")
def configure(instance, conf, options, **_):
    conf.task_default_queue = f"{instance.hostname}-{options['concurrency']}"
""")

    special = start_worker("-c", "1", "-n", "special@host").wait_until_ready()
    usual = start_worker("-c", "1", "-n", "usual@host").wait_until_ready()

    assert "queues   special@host-1\n" in special.text()
    assert "queues   celery\n" in usual.text()


def test_a_receiver_publishes_through_the_sender(
    listen: Listen, journal: Journal, start_worker: StartWorker
) -> None:
    listen("""
@signals.worker_ready.connect
def begin(sender, **_):
    sender.app.send_task("project.work", [sender.hostname])
    sender.anything
""")

    worker = start_worker("-c", "1", "-n", "w1@host").wait_until_ready()

    wait_until(lambda: journal.counts("done")["w1@host"] == 1)
    wait_until(lambda: "The worker that signals show has no attribute 'anything'" in worker.text())


def test_a_receiver_that_fails_costs_nothing(
    listen: Listen, journal: Journal, project: ModuleType, start_worker: StartWorker
) -> None:
    listen("""
def fail(signal, **_):
    note("failing", signal.name)
    raise SystemExit(3) if signal is signals.worker_ready else ValueError("no good")

for name in ("celeryd_init", "worker_init", "celeryd_after_setup", "worker_process_init", "worker_ready",
             "worker_shutting_down", "worker_shutdown", "task_received"):
    getattr(signals, name).connect(fail, weak=False)
""")

    worker = start_worker("-c", "1").wait_until_ready()
    assert project.app.send_task("project.add", [1, 2]).get(timeout=20) == 3
    wait_until(lambda: journal.counts("failing")["worker_ready"])
    assert worker.stop() == 0

    assert len(journal.counts("failing")) == 8
    assert worker.text().count("ValueError: no good") == 7
    assert "A receiver of worker_ready failed" in worker.text()


def test_a_receiver_that_never_ends_does_not_keep_a_worker_from_stopping(
    listen: Listen, project: ModuleType, start_worker: StartWorker
) -> None:
    listen(HANG_IN.format("worker_ready"))

    worker = start_worker("-c", "1").wait_until_ready()
    assert project.app.send_task("project.add", [1, 2]).get(timeout=20) == 3
    processes = worker.processes()
    assert worker.stop() == 0

    assert "Receivers of worker_ready did not end in 5 s" in worker.text()
    wait_until(lambda: not any(map(is_alive, processes)))


def test_a_second_signal_ends_the_wait_for_receivers(
    listen: Listen, journal: Journal, start_worker: StartWorker
) -> None:
    listen(HANG_IN.format("worker_shutdown"))

    worker = start_worker("-c", "1").wait_until_ready()
    worker.signal(signal.SIGTERM)
    wait_until(lambda: journal.pids("hanging"))
    worker.signal(signal.SIGTERM)

    assert worker.wait(4) == 0


def test_a_thread_that_a_receiver_starts_lives_as_long_as_the_worker(
    listen: Listen, journal: Journal, start_worker: StartWorker
) -> None:
    listen("""
def serve():
    while True:
        note("serving", "metrics")
        time.sleep(0.05)

@signals.worker_ready.connect
def start(**_):
    threading.Thread(target=serve, daemon=True).start()

@signals.worker_shutdown.connect
def stop(**_):
    note("stopping", "metrics")
""")

    worker = start_worker("-c", "1").wait_until_ready()
    wait_until(lambda: len(journal.times("serving", "metrics")) > 10)
    (herald,) = journal.pids("serving")
    process = psutil.Process(herald)
    worker.signal_group(signal.SIGTERM)
    assert worker.wait() == 0

    assert journal.pids("stopping") == {herald}
    wait_until(lambda: not is_alive(process))


def test_a_thread_that_is_started_too_early_is_named(listen: Listen, start_worker: StartWorker) -> None:
    listen("""
@signals.worker_init.connect
def too_early(**_):
    threading.Thread(target=time.sleep, args=(600,), daemon=True, name="beacon").start()
""")

    worker = start_worker("-c", "1").wait_until_ready()

    assert "The thread 'beacon' was started by the worker_init receiver project.too_early" in worker.text()
    assert worker.text().count("'beacon'") == 1


def test_a_solo_worker_may_have_threads(listen: Listen, start_worker: StartWorker) -> None:
    listen("""
@signals.worker_init.connect
def start(**_):
    threading.Thread(target=time.sleep, args=(600,), daemon=True, name="beacon").start()
""")

    worker = start_worker("--pool", "solo", PROJECT_WITHOUT_LIMITS="1").wait_until_ready()

    assert "beacon" not in worker.text()


def test_a_worker_survives_the_process_of_its_receivers(
    listen: Listen, journal: Journal, project: ModuleType, start_worker: StartWorker
) -> None:
    listen(HEAR_ALL)
    worker = start_worker("-c", "1").wait_until_ready()
    wait_until(lambda: journal.pids("worker_ready"))
    (herald,) = journal.pids("worker_ready")

    os.kill(herald, signal.SIGKILL)

    assert project.app.send_task("project.add", [1, 2]).get(timeout=20) == 3
    wait_until(lambda: len(journal.pids("worker_ready")) == 2)
    assert "The process of the receivers of worker signals ended (signal 9 (SIGKILL))" in worker.text()
    assert worker.stop() == 0
    assert journal.pids("worker_shutdown") == journal.pids("worker_ready") - {herald}


def test_receivers_are_told_again_after_all_processes_but_the_parent_have_died(
    listen: Listen, journal: Journal, start_worker: StartWorker
) -> None:
    listen(HEAR_ALL)
    worker = start_worker("-c", "1").wait_until_ready()
    wait_until(lambda: journal.pids("worker_ready"))
    (importing,) = journal.pids("worker_init")

    os.kill(importing, signal.SIGKILL)

    wait_until(lambda: len(journal.pids("worker_ready")) == 2)
    assert worker.stop() == 0
    assert len(journal.pids("worker_shutdown")) == 1


def test_the_receivers_move_to_the_new_code(
    directory: Path, listen: Listen, journal: Journal, start_worker: StartWorker
) -> None:
    listen(HEAR_ALL)
    worker = start_worker("-c", "1", "--reload").wait_until_ready()
    wait_until(lambda: journal.pids("worker_ready"))
    (before,) = journal.pids("worker_ready")

    listen("# changed")

    wait_until(lambda: len(journal.pids("worker_ready")) == 2)
    (after,) = journal.pids("worker_ready") - {before}
    assert journal.pids("worker_shutdown") == {before}
    wait_until(lambda: not psutil.pid_exists(before))
    worker.stop()
    assert journal.pids("worker_shutdown") == {before, after}


def test_heartbeats_are_told_while_the_worker_lives(
    listen: Listen, journal: Journal, start_worker: StartWorker
) -> None:
    listen("""
@signals.heartbeat_sent.connect
def beat(sender, **_):
    note("beat", sender.hostname)
""")

    start_worker("-c", "1", "-n", "w1@host", "worker_lease=0.4").wait_until_ready()

    wait_until(lambda: len(journal.times("beat", "w1@host")) > 5)


def test_a_receiver_can_add_to_the_logging(
    listen: Listen, directory: Path, project: ModuleType, start_worker: StartWorker
) -> None:
    listen("""
import logging

@signals.after_setup_logger.connect
@signals.after_setup_task_logger.connect
def add_file(sender, signal, logger, loglevel, logfile, format, colorize, **_):
    assert (sender, loglevel, logfile, colorize) == (None, logging.INFO, None, False)
    handler = logging.FileHandler(HERE / signal.name)
    handler.setFormatter(logging.Formatter(f"{loglevel} {format}"))
    logger.addHandler(handler)

@app.task
def speak():
    logging.getLogger("sedano.task").info("from the task")
    logging.getLogger("anything").warning("from anywhere")
""")
    start_worker("-c", "1", "worker_log_format=own %(message)s").wait_until_ready()

    project.app.send_task("project.speak").get(timeout=20)

    assert "20 own from anywhere\n" in (directory / "after_setup_logger").read_text()
    tasks = (directory / "after_setup_task_logger").read_text()
    assert "project.speak" in tasks
    assert "from the task" in tasks


def test_a_receiver_can_do_the_logging_itself(
    listen: Listen, project: ModuleType, start_worker: StartWorker
) -> None:
    listen("""
import logging

@signals.setup_logging.connect
def configure(loglevel, **_):
    logging.basicConfig(level=loglevel, format="mine: %(message)s")
""")

    worker = start_worker("-c", "1").wait_until_ready()
    project.app.send_task("project.add", [1, 2]).get(timeout=20)

    wait_until(lambda: "mine: Task project.add" in worker.text())


@pytest.mark.parametrize("pool", [["-c", "1"], ["--pool", "solo"]], ids=["prefork", "solo"])
def test_messages_that_are_not_run_are_told(
    pool: list[str], listen: Listen, journal: Journal, project: ModuleType, start_worker: StartWorker
) -> None:
    listen("""
@signals.task_unknown.connect
def unknown(sender, message, exc, name, id, **_):
    note("unknown", f"{sender.hostname}/{name}/{id}/{message.payload[0][0]}/{type(exc).__name__}")

@signals.task_rejected.connect
def rejected(sender, message, exc, **_):
    note("rejected", f"{sender.hostname}/{message.headers['id']}/{type(exc).__name__}")

@signals.task_received.connect
def received(sender, request, **_):
    note("received", f"{sender.hostname}/{request.name}/{request.id}/{request.args[0]}")
""")
    start_worker(*pool, "-n", "w1@host", PROJECT_WITHOUT_LIMITS="1").wait_until_ready()

    project.app.send_task("nobody.knows", [7], task_id="1")
    project.app.send_task("project.add", [7], task_id="2")
    project.app.send_task("project.add", [7], task_id="3", serializer="yaml")

    wait_until(lambda: len(journal.lines()) == 4)
    assert {(word, key) for word, key, *_ in journal.lines()} == {
        ("unknown", "w1@host/nobody.knows/1/7/TaskNotRegistered"),
        ("received", "w1@host/project.add/2/7"),
        ("start", "add-7-0"),
        ("rejected", "w1@host/3/ContentDisallowed"),
    }
    words = names(journal)
    assert words.index("received") < words.index("start")


def test_receivers_of_a_django_site_use_its_database(tmp_path: Path) -> None:
    """One queries before the processes are forked, the others after it: each has its own connection."""
    pytest.importorskip("django")
    shop = ShopProcess(tmp_path)
    shop.manage("migrate", "--verbosity", "0")
    (tmp_path / "listening.py").write_text("""
import os

from sedano import shared_task, signals
from shop.models import Order
from shop.tasks import ship

def order(signal, **_):
    Order.objects.create(name=f"{signal.name} {os.getpid()}")

for one in (signals.worker_init, signals.worker_process_init, signals.worker_ready,
            signals.worker_shutting_down, signals.worker_shutdown):
    one.connect(order, weak=False)

@signals.worker_ready.connect
def begin(sender, **_):
    for order in Order.objects.all():
        ship.delay(order.pk)
""")
    log = tmp_path / "worker.log"
    with log.open("wb") as output:
        worker = subprocess.Popen(
            [sys.executable, "-m", "sedano", "worker", "-c", "2", "-l", "INFO", "-I", "listening"],
            cwd=tmp_path,
            env=shop.environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def rows() -> dict[str, int]:
        with sqlite3.connect(tmp_path / "default.sqlite3", timeout=20) as database:
            found = dict(database.execute("SELECT name, shipped FROM shop_order"))
        database.close()
        return found

    try:
        wait_until(lambda: sum(rows().values()) == 4, what="all orders so far are shipped")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0
    finally:
        if worker.poll() is None:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()

    counts = Counter(name.split()[0] for name in rows())
    assert counts == {
        "worker_init": 1,
        "worker_process_init": 2,
        "worker_ready": 1,
        "worker_shutting_down": 1,
        "worker_shutdown": 1,
    }
    assert "Traceback" not in log.read_text()
