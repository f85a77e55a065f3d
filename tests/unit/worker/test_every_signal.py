"""Every signal of Celery's exists, and is sent with Celery's sender and arguments (celery-wire.md, 7.8)."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import celery.signals
import pytest

from sedano import Sedano, signals
from sedano.brokers.delivery import Delivery
from sedano.errors import MalformedMessage, TaskNotRegistered
from sedano.exceptions import Retry
from sedano.execution.exception_info import ExceptionInfo
from sedano.execution.executor import Executor
from sedano.execution.job import Job
from sedano.message.envelope import Envelope
from sedano.signals import NOT_SENT, Signal
from sedano.tasks.request import Context
from sedano.tasks.task import Task
from sedano.tasks.worker_view import WorkerView, worker_of
from sedano.worker import start_signals, worker_signals
from sedano.worker.herald_words import (
    HeartbeatSent,
    TaskRejected,
    TaskUnknown,
    WorkerReady,
    WorkerShutdown,
    WorkerShuttingDown,
)
from tests.unit.execution.line import Line

DOCS = Path(__file__).parents[3] / "docs" / "signals.md"

#: What the sender is, and the keywords.
TABLE: dict[str, tuple[type, set[str]]] = {
    "before_task_publish": (
        str,
        {"body", "exchange", "routing_key", "declare", "headers", "properties", "retry_policy"},
    ),
    "after_task_publish": (str, {"body", "headers", "exchange", "routing_key"}),
    "task_received": (WorkerView, {"request"}),
    "task_prerun": (Task, {"task_id", "task", "args", "kwargs"}),
    "task_postrun": (Task, {"task_id", "task", "args", "kwargs", "retval", "state"}),
    "task_success": (Task, {"result", "runtime"}),
    "task_retry": (Task, {"request", "reason", "einfo"}),
    "task_failure": (Task, {"task_id", "exception", "args", "kwargs", "traceback", "einfo"}),
    "task_internal_error": (
        Task,
        {"task_id", "args", "kwargs", "request", "exception", "traceback", "einfo"},
    ),
    "task_revoked": (Task, {"request", "terminated", "signum", "expired"}),
    "task_rejected": (WorkerView, {"message", "exc"}),
    "task_unknown": (WorkerView, {"message", "exc", "name", "id"}),
    "import_modules": (Sedano, set()),
    "celeryd_init": (str, {"instance", "conf", "options"}),
    "celeryd_after_setup": (str, {"instance", "conf"}),
    "worker_init": (WorkerView, set()),
    "worker_ready": (WorkerView, set()),
    "heartbeat_sent": (WorkerView, set()),
    "worker_shutting_down": (str, {"sig", "how", "exitcode"}),
    "worker_shutdown": (WorkerView, set()),
}

#: Seen in real workers only: acceptance/test_signals.py.
SENT_BY_PROCESSES = {
    "worker_before_create_process": set(),
    "worker_process_init": set(),
    "worker_process_shutdown": {"pid", "exitcode"},
    "beat_init": set(),
    "beat_embedded_init": set(),
    "setup_logging": {"loglevel", "logfile", "format", "colorize"},
    "after_setup_logger": {"logger", "loglevel", "logfile", "format", "colorize"},
    "after_setup_task_logger": {"logger", "loglevel", "logfile", "format", "colorize"},
}

Heard = dict[str, tuple[Any, dict[str, Any]]]

ALL = {name: one for name, one in vars(signals).items() if isinstance(one, Signal)}


@pytest.fixture
def app() -> Iterator[Sedano]:
    app = Sedano("proj", broker="memory://signals", backend="memory://signals", set_as_current=False)
    yield app
    app.close()


@pytest.fixture
def worker(app: Sedano) -> WorkerView:
    return worker_of(app, "line@host")


@pytest.fixture
def heard() -> Iterator[Heard]:
    """The last of each signal."""
    found: Heard = {}

    def hear(signal: Signal, sender: Any, **named: Any) -> None:
        found[signal.name] = (sender, named)

    for one in ALL.values():
        one.connect(hear, dispatch_uid="test_every_signal", weak=False)
    yield found
    for one in ALL.values():
        one.disconnect(dispatch_uid="test_every_signal")


def test_every_signal_of_celerys_exists() -> None:
    celerys = {name for name, one in vars(celery.signals).items() if isinstance(one, celery.signals.Signal)}

    assert set(ALL) == celerys
    assert all(name == one.name for name, one in ALL.items())


def test_the_table_has_every_signal() -> None:
    assert set(TABLE) | set(SENT_BY_PROCESSES) | {one.name for one in NOT_SENT} == set(ALL)


def test_signals_say_which_arguments_they_are_sent_with() -> None:
    sent = {name: keywords for name, (_, keywords) in TABLE.items()} | SENT_BY_PROCESSES

    assert {name: set(ALL[name].providing_args) for name in sent} == sent
    for name, ours in ALL.items():
        assert getattr(celery.signals, name).providing_args <= ours.providing_args


def test_the_documentation_has_every_signal_with_its_arguments() -> None:
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|.*\| ([^|]*)\|$", DOCS.read_text(), flags=re.MULTILINE)
    documented = {
        name: set(re.findall(r"`(\w+)`", arguments))
        for names, arguments in rows
        for name in re.findall(r"`(\w+)`", names)
    }

    assert documented == {name: set(one.providing_args) for name, one in ALL.items()}


def send_all(app: Sedano, worker: WorkerView) -> None:
    @app.task(bind=True, max_retries=1)
    def fail_twice(self: Any) -> None:
        raise self.retry(countdown=0, exc=ValueError("no"))

    @app.task
    def add(x: int, y: int) -> int:
        return x + y

    @contextmanager
    def break_down(task: Task[..., Any], request: Context) -> Iterator[None]:
        if request.id == "broken":
            raise OSError("no database")
        yield

    app.around_attempt.append(break_down)
    app.import_modules()
    fail_twice.delay()
    add.delay(1, 2)
    add.apply_async((1, 2), expires=datetime.now(UTC) - timedelta(hours=1))
    add.apply_async((1, 2), task_id="broken")
    Line(app).run()
    refused = Delivery(1, "1", "proj.unheard_of", "celery", Envelope(b"{}", b"no JSON"))
    for word in (
        WorkerReady(),
        HeartbeatSent(),
        WorkerShuttingDown("SIGTERM", "Warm"),
        WorkerShutdown(),
        TaskUnknown(refused),
        TaskRejected(refused, "no good"),
    ):
        worker_signals.send(word, worker)
    start_signals.configuring(worker, app.conf, {"concurrency": 1})
    start_signals.initializing(worker)
    start_signals.set_up(worker, app.conf)


def test_signals_are_sent_with_celerys_senders_and_arguments(
    app: Sedano, worker: WorkerView, heard: Heard
) -> None:
    send_all(app, worker)

    assert {name: set(named) for name, (_, named) in heard.items()} == {
        name: keywords for name, (_, keywords) in TABLE.items()
    }
    for name, (kind, _) in TABLE.items():
        assert isinstance(heard[name][0], kind), name


def named(heard: Heard, name: str) -> dict[str, Any]:
    return heard[name][1]


def test_the_arguments_are_what_celerys_are(app: Sedano, worker: WorkerView, heard: Heard) -> None:
    send_all(app, worker)

    assert named(heard, "worker_shutting_down") == {"sig": "SIGTERM", "how": "Warm", "exitcode": 0}
    assert named(heard, "celeryd_init") == {
        "instance": worker,
        "conf": app.conf,
        "options": {"concurrency": 1},
    }
    assert heard["celeryd_init"][0] == heard["worker_shutting_down"][0] == "line@host"
    unknown, rejected = named(heard, "task_unknown"), named(heard, "task_rejected")
    assert (unknown["name"], unknown["id"]) == ("proj.unheard_of", "1")
    assert isinstance(unknown["exc"], TaskNotRegistered)
    assert isinstance(unknown["exc"], KeyError)
    assert isinstance(rejected["exc"], MalformedMessage)
    broken = named(heard, "task_internal_error")
    assert (broken["task_id"], broken["args"], broken["kwargs"]) == ("broken", [1, 2], {})
    assert broken["request"]["id"] == "broken"
    assert isinstance(broken["exception"], OSError)
    assert isinstance(broken["einfo"], ExceptionInfo)
    assert "no database" in str(broken["einfo"])
    assert named(heard, "task_revoked")["expired"] is True
    assert isinstance(named(heard, "task_retry")["reason"], Retry)


def test_a_received_request_has_celerys_attributes(app: Sedano, worker: WorkerView, heard: Heard) -> None:
    @app.task
    def add(x: int, y: int = 0) -> int:
        return x + y

    add.apply_async(
        (1,), {"y": 2}, task_id="1", eta=datetime(2020, 1, 1, tzinfo=UTC), priority=3, time_limit=9
    )
    Line(app).run()

    request = named(heard, "task_received")["request"]
    assert (request.id, request.task_id, request.name, request.task_name) == ("1", "1", add.name, add.name)
    assert (request.task, request.app, request.hostname) == (add, app, "line@host")
    assert (request.args, request.kwargs, request.retries, request.root_id) == ([1], {"y": 2}, 0, "1")
    assert (request.eta, request.expires) == (datetime(2020, 1, 1, tzinfo=UTC), None)
    assert request.time_limits == [9, None]
    assert request.delivery_info["routing_key"] == "celery"
    assert request.request_dict["id"] == request.message.headers["id"] == "1"
    assert request.message.payload[:2] == [[1], {"y": 2}]
    assert request.info()["name"] == add.name
    assert request.correlation_id == "1"
    with pytest.raises(AttributeError, match="no attribute 'connection_errors'"):
        _ = request.connection_errors


def test_what_is_published_when_a_task_is_received_is_no_child_of_it(app: Sedano) -> None:
    parents = []

    @app.task
    def first() -> None: ...

    @app.task(bind=True)
    def second(self: Any) -> None:
        parents.append(self.request.parent_id)

    @signals.task_received.connect(weak=False, dispatch_uid="test")
    def follow(request: Any, **_: Any) -> None:
        if request.task is first:
            second.delay()

    try:
        first.delay()
        Line(app).run()
    finally:
        signals.task_received.disconnect(dispatch_uid="test")

    assert parents == [None]


def test_nothing_is_received_where_a_task_is_called_in_place(app: Sedano, heard: Heard) -> None:
    @app.task
    def add(x: int, y: int) -> int:
        return x + y

    add.apply((1, 2))

    assert "task_prerun" in heard
    assert "task_received" not in heard


def test_a_task_that_is_not_run_is_not_received(app: Sedano, heard: Heard) -> None:
    @app.task
    def add(x: int, y: int) -> int:
        return x + y

    add.apply_async((1, 2), expires=datetime.now(UTC) - timedelta(hours=1))
    Line(app).run()

    assert "task_revoked" in heard
    assert "task_received" not in heard


@pytest.mark.parametrize(
    ("delivery", "expected"),
    [
        (
            Delivery(
                1, "1", "proj.gone", "celery", Envelope(b'{"task": "proj.gone", "id": "1"}', b"[[],{},{}]")
            ),
            "task_unknown",
        ),
        (
            Delivery(1, "1", "", "celery", Envelope(b"{}", b'{"task": "proj.gone", "id": "1", "args": []}')),
            "task_unknown",
        ),
        (Delivery(1, "1", "proj.add", "celery", Envelope(b"{}", b"no JSON")), "task_rejected"),
        (Delivery(1, "1", "", "celery", Envelope(b"", b""), malformed="no good"), "task_rejected"),
    ],
    ids=["unknown", "unknown in protocol 1", "unreadable", "malformed"],
)
def test_what_a_child_cannot_run_is_told(
    app: Sedano, heard: Heard, delivery: Delivery, expected: str
) -> None:
    Executor(app, node="w@host").execute(Job(delivery))

    assert list(heard) == [expected]
    sender, arguments = heard[expected]
    assert sender is worker_of(app, "w@host")
    assert arguments["message"].body == delivery.envelope.body
    if expected == "task_unknown":
        assert (arguments["name"], arguments["id"]) == ("proj.gone", "1")


def test_the_message_is_not_the_receivers_to_settle(app: Sedano, heard: Heard) -> None:
    delivery = Delivery(
        1, "1", "proj.gone", "celery", Envelope(b'{"task": "proj.gone", "id": "1"}', b"[[],{},{}]")
    )
    Executor(app, node="w@host").execute(Job(delivery))

    message = named(heard, "task_unknown")["message"]
    assert message.delivery_info["routing_key"] == "celery"
    assert message.properties["correlation_id"] == "1"
    assert message.payload == message.decode()
    with pytest.raises(AttributeError, match="the worker settles the message"):
        message.ack()


def test_a_worker_says_what_receivers_may_ask_it(app: Sedano, worker: WorkerView) -> None:
    worker.learn(concurrency=4)

    assert worker.app is app
    assert (worker.hostname, str(worker), worker.concurrency) == ("line@host", "line@host", 4)
    assert worker.controller is worker.consumer is worker
    assert worker_of(app, "line@host") is worker
    with pytest.raises(AttributeError, match=r"'timer'. It has app, concurrency, consumer, contr"):
        _ = worker.timer


def test_applications_are_not_kept_alive_by_their_workers() -> None:
    class Owner:
        """Any application: only that it is gone matters."""

    app: Any = Owner()
    worker = worker_of(app, "w@host")

    del app

    with pytest.raises(ReferenceError, match="gone"):
        _ = worker.app


def test_a_receiver_that_starts_a_thread_is_remembered(worker: WorkerView) -> None:
    done = threading.Event()

    def begin(**_: Any) -> None:
        threading.Thread(target=done.wait, name="beacon").start()

    signals.worker_init.connect(begin)
    try:
        start_signals.initializing(worker)
        (thread,) = [one for one in threading.enumerate() if one.name == "beacon"]
        assert start_signals.culprit(thread).startswith(f"the worker_init receiver {__name__}.")
        assert start_signals.culprit(threading.main_thread()) == "importing the application"
    finally:
        done.set()
        signals.worker_init.disconnect(begin)
