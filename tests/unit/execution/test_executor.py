"""What the executor says of a message: how to settle it, what to store, what follows."""

import contextlib
import json
import pickle
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from sedano import Sedano, signals, states
from sedano.brokers.delivery import Delivery
from sedano.brokers.settlement import Bury, Finish, Park, Record, Requeue
from sedano.exceptions import Ignore, Reject, Retry, TimeLimitExceeded, WorkerLostError
from sedano.execution.ending import Crashed, Ending, Expired, Revoked, TimedOut
from sedano.execution.executed import Executed
from sedano.execution.executor import Executor
from sedano.execution.job import Job
from sedano.message import json_types
from sedano.message.celery_v2 import encode
from sedano.message.decoding import decode
from sedano.message.envelope import Envelope
from sedano.message.task_message import TaskMessage
from sedano.results import celery_meta
from sedano.results.result_write import ResultWrite
from sedano.results.task_meta import TaskMeta
from sedano.tasks.request import Context, current_request
from sedano.tasks.task import Task


@pytest.fixture
def app() -> Iterator[Sedano]:
    app = Sedano("proj", broker="memory://executor", set_as_current=False)
    yield app
    app.close()


def job_for(task: Task[..., Any], *args: Any, acknowledged: bool = False, **fields: Any) -> Job:
    message = TaskMessage(id="id-1", task=task.name, args=args, **fields)
    return Job(Delivery(7, "id-1", task.name, "celery", encode(message)), acknowledged)


def run(app: Sedano, job: Job) -> Executed:
    return Executor(app, node="w@host").execute(job)


def stored(result: ResultWrite | None) -> TaskMeta:
    assert result is not None
    return celery_meta.decode(result.task_id, result.document)


def finish_of(executed: Executed) -> Finish:
    assert isinstance(executed.settlement, Finish)
    return executed.settlement


def test_a_returned_value_is_stored_and_the_message_finished(app: Sedano) -> None:
    @app.task
    def add(x: int, y: int) -> int:
        return x + y

    settlement = finish_of(run(app, job_for(add, 1, 2)))

    assert settlement.tag == 7
    meta = stored(settlement.result)
    assert (meta.task_id, meta.status, meta.result) == ("id-1", states.SUCCESS, 3)


def test_an_exception_is_stored_with_the_traceback_of_the_user_s_code_only(app: Sedano) -> None:
    @app.task
    def fail() -> None:
        raise ValueError("why", 7)

    meta = stored(finish_of(run(app, job_for(fail))).result)

    assert meta.status == states.FAILURE
    assert isinstance(meta.result, ValueError)
    assert meta.result.args == ("why", 7)
    assert meta.traceback is not None
    assert 'raise ValueError("why", 7)' in meta.traceback
    assert "invoke.py" not in meta.traceback


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), RecursionError(), MemoryError()])
def test_no_exception_whatever_ends_the_child(app: Sedano, error: BaseException) -> None:
    @app.task
    def leave() -> None:
        raise error

    assert stored(finish_of(run(app, job_for(leave))).result).status == states.FAILURE


def test_a_result_that_cannot_be_written_is_a_failure_that_says_so(app: Sedano) -> None:
    @app.task
    def give_object() -> object:
        return object()

    meta = stored(finish_of(run(app, job_for(give_object))).result)

    assert meta.status == states.FAILURE
    assert "cannot be written as json" in str(meta.result)


def test_a_retry_is_a_follow_up_of_the_same_settlement(app: Sedano) -> None:
    @app.task(bind=True)
    def again(self: Task[..., Any]) -> None:
        raise self.retry(countdown=30, exc=ValueError("not yet"))

    settlement = finish_of(run(app, job_for(again)))

    assert stored(settlement.result).status == states.RETRY
    (following,) = settlement.follow_ups
    assert following.task_id == "id-1"
    assert following.due is not None
    assert decode(following.envelope, accept={"json"}).retries == 1


def test_retry_raised_by_hand_retries_too(app: Sedano) -> None:
    @app.task
    def again() -> None:
        raise Retry("later", when=5)

    settlement = finish_of(run(app, job_for(again)))

    assert stored(settlement.result).status == states.RETRY
    assert len(settlement.follow_ups) == 1


def test_automatic_retries_end_with_the_error_itself(app: Sedano) -> None:
    @app.task(autoretry_for=(ValueError,), max_retries=1, default_retry_delay=1)
    def flaky() -> None:
        raise ValueError("always")

    first = finish_of(run(app, job_for(flaky)))
    last = finish_of(run(app, job_for(flaky, retries=1)))

    assert stored(first.result).status == states.RETRY
    assert len(first.follow_ups) == 1
    assert isinstance(stored(last.result).result, ValueError)
    assert last.follow_ups == ()


def test_ignore_leaves_no_result(app: Sedano) -> None:
    @app.task
    def ignored() -> None:
        raise Ignore

    assert run(app, job_for(ignored)).settlement == Finish(7)


def test_reject_puts_back_or_buries(app: Sedano) -> None:
    @app.task
    def reject(requeue: bool) -> None:
        raise Reject("no use", requeue=requeue)

    assert run(app, job_for(reject, True)).settlement == Requeue(7)
    buried = run(app, job_for(reject, False)).settlement
    assert isinstance(buried, Bury)
    assert "no use" in buried.reason
    assert stored(buried.result).status == states.FAILURE


@pytest.mark.parametrize(("of_task", "of_message"), [(True, None), (False, True)])
def test_an_unwanted_result_is_not_stored(app: Sedano, of_task: bool, of_message: bool | None) -> None:
    @app.task(ignore_result=of_task)
    def quiet() -> int:
        return 1

    assert finish_of(run(app, job_for(quiet, ignore_result=of_message))).result is None


def test_an_unwanted_result_may_still_be_a_wanted_error(app: Sedano) -> None:
    @app.task(ignore_result=True, store_errors_even_if_ignored=True)
    def fail() -> None:
        raise ValueError

    assert stored(finish_of(run(app, job_for(fail))).result).status == states.FAILURE


def test_an_acknowledged_job_is_recorded_without_a_claim(app: Sedano) -> None:
    @app.task(acks_late=False)
    def once() -> int:
        return 1

    settlement = run(app, job_for(once, acknowledged=True)).settlement

    assert isinstance(settlement, Record)
    assert settlement.tag is None
    assert stored(settlement.result).result == 1


def test_a_task_that_this_child_does_not_know_is_parked(app: Sedano) -> None:
    envelope = encode(TaskMessage(id="id-1", task="proj.gone"))

    assert run(app, Job(Delivery(7, "id-1", "proj.gone", "celery", envelope))).settlement == Park(7)


def test_a_message_that_cannot_be_read_is_buried_with_its_reason(app: Sedano) -> None:
    envelope = Envelope(b'{"task": "proj.add", "id": "id-1"}', b"{{{")

    settlement = run(app, Job(Delivery(7, "id-1", "proj.add", "celery", envelope))).settlement

    assert isinstance(settlement, Bury)
    assert settlement.reason.startswith("MalformedMessage")
    assert stored(settlement.result).status == states.FAILURE


def test_progress_is_reported_while_the_task_runs_and_is_not_final(app: Sedano) -> None:
    said: list[Executed] = []

    @app.task(bind=True, track_started=True)
    def slow(self: Task[..., Any]) -> None:
        self.update_state(state="PROGRESS", meta={"done": 1})

    Executor(app, node="w@host", report=said.append).execute(job_for(slow))

    states_said = [stored(e.settlement.result).status for e in said if isinstance(e.settlement, Record)]
    assert states_said == ["STARTED", "PROGRESS"]
    assert not any(e.final for e in said)
    assert {e.settlement.tag for e in said} == {7}


def test_handlers_are_called_in_order_and_their_errors_change_nothing(app: Sedano) -> None:
    called: list[str] = []

    class Watched(Task[..., Any]):
        def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
            called.append("before_start")

        def on_success(self, retval: Any, task_id: str, args: Any, kwargs: Any) -> None:
            called.append(f"on_success {retval}")
            raise RuntimeError("a bug in a handler")

        def after_return(self, status: str, retval: Any, *call: Any) -> None:
            called.append(f"after_return {status}")

        def on_failure(self, exc: BaseException, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
            called.append(f"on_failure {exc!r} {'Traceback' in str(einfo)}")

    @app.task(base=Watched)
    def work(fail: bool) -> str:
        if fail:
            raise ValueError("x")
        return "done"

    assert stored(finish_of(run(app, job_for(work, False))).result).status == states.SUCCESS
    run(app, job_for(work, True))

    assert called == [
        "before_start",
        "on_success done",
        "after_return SUCCESS",
        "before_start",
        "on_failure ValueError('x') True",
        "after_return FAILURE",
    ]


@pytest.mark.parametrize(
    ("ending", "kind", "error"),
    [
        (TimedOut(5.0), Finish, TimeLimitExceeded),
        (Crashed("signal 9"), Bury, WorkerLostError),
    ],
)
def test_a_task_that_was_ended_is_told_so_without_being_run(
    app: Sedano, ending: Ending, kind: type, error: type[Exception]
) -> None:
    told: list[str] = []

    class Watched(Task[..., Any]):
        def on_failure(self, exc: BaseException, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
            told.append(type(exc).__name__)

    @app.task(base=Watched)
    def work() -> None:
        told.append("ran")

    settlement = run(app, msgspec.structs.replace(job_for(work), ending=ending)).settlement

    assert isinstance(settlement, kind)
    assert isinstance(stored(settlement.result).result, error)
    assert told == [error.__name__]


@pytest.mark.parametrize(("ending", "expired"), [(Expired(), True), (Revoked(), False)])
def test_a_task_that_is_not_to_run_is_revoked_and_its_signal_says_why(
    app: Sedano, ending: Ending, expired: bool
) -> None:
    heard: list[dict[str, Any]] = []

    @app.task
    def work() -> None:
        raise AssertionError

    def hear(**kwargs: Any) -> None:
        heard.append(kwargs)

    signals.task_revoked.connect(hear, sender=work)
    result = finish_of(run(app, msgspec.structs.replace(job_for(work), ending=ending))).result

    assert stored(result).status == states.REVOKED
    assert str(stored(result).result) == ("expired" if expired else "revoked")
    assert [(event["expired"], event["terminated"], event["request"].id) for event in heard] == [
        (expired, False, "id-1")
    ]


def test_the_task_signals_are_sent_with_celery_s_arguments(app: Sedano) -> None:
    heard: list[tuple[str, dict[str, Any]]] = []

    def hear(name: str) -> Any:
        def receiver(sender: Any, **kwargs: Any) -> None:
            kwargs.pop("signal")
            heard.append((name, kwargs))

        return receiver

    names = ["task_prerun", "task_success", "task_failure", "task_retry", "task_postrun"]
    receivers = {name: hear(name) for name in names}

    @app.task(bind=True)
    def work(self: Task[..., Any], how: str) -> str:
        if how == "fail":
            raise ValueError
        if how == "retry":
            raise self.retry(countdown=1)
        return how

    for name, receiver in receivers.items():
        getattr(signals, name).connect(receiver, sender=work)
    for how in ("succeed", "fail", "retry"):
        run(app, job_for(work, how))

    assert [(name, sorted(kwargs)) for name, kwargs in heard] == [
        ("task_prerun", ["args", "kwargs", "task", "task_id"]),
        ("task_success", ["result", "runtime"]),
        ("task_postrun", ["args", "kwargs", "retval", "state", "task", "task_id"]),
        ("task_prerun", ["args", "kwargs", "task", "task_id"]),
        ("task_failure", ["args", "einfo", "exception", "kwargs", "task_id", "traceback"]),
        ("task_postrun", ["args", "kwargs", "retval", "state", "task", "task_id"]),
        ("task_prerun", ["args", "kwargs", "task", "task_id"]),
        ("task_retry", ["einfo", "reason", "request"]),
        ("task_postrun", ["args", "kwargs", "retval", "state", "task", "task_id"]),
    ]


@pytest.mark.parametrize(
    ("ending", "state"),
    [
        pytest.param(TimedOut(5.0), states.FAILURE, id="begun, and killed at its limit"),
        pytest.param(Crashed("signal 9"), None, id="each of its runs has died"),
        pytest.param(Expired(), None, id="never begun"),
    ],
)
def test_what_began_and_was_ended_at_its_limit_has_a_postrun(
    app: Sedano, ending: Ending, state: str | None
) -> None:
    heard: list[dict[str, Any]] = []

    @app.task
    def work() -> None: ...

    def hear(**told: Any) -> None:
        heard.append(told)

    signals.task_postrun.connect(hear, sender=work)
    run(app, msgspec.structs.replace(job_for(work), ending=ending))

    assert [(told["task_id"], told["state"]) for told in heard] == ([("id-1", state)] if state else [])


def test_the_running_task_knows_its_request(app: Sedano) -> None:
    seen: dict[str, Any] = {}

    @app.task(bind=True)
    def look(self: Task[..., Any]) -> None:
        seen.update(id=self.request.id, retries=self.request.retries, hostname=self.request.hostname)
        seen.update(queue=self.request.delivery_info["routing_key"], custom=self.request.tenant)

    run(app, job_for(look, retries=2, headers={"tenant": "acme"}))

    assert seen == {"id": "id-1", "retries": 2, "hostname": "w@host", "queue": "celery", "custom": "acme"}
    assert look.request.id is None


async def _run_async(app: Sedano, job: Job) -> Executed:
    return await Executor(app).execute_async(job)


def test_a_coroutine_task_is_awaited(app: Sedano) -> None:
    import asyncio

    @app.task
    async def nap(x: int) -> int:
        await asyncio.sleep(0)
        return x

    executed = asyncio.run(_run_async(app, job_for(nap, 5)))

    assert stored(finish_of(executed).result).result == 5


def test_the_frames_above_the_function_are_few(app: Sedano) -> None:
    import inspect

    depths: list[int] = []

    @app.task
    def look() -> None:
        names = [frame.filename for frame in inspect.stack()[1:]]
        depths.append(sum("/sedano/" in name for name in names))

    run(app, job_for(look))

    # execute and call; a child's loop adds two above them.
    assert depths == [2]


def test_what_goes_round_an_attempt_is_entered_and_left_even_when_the_task_fails(app: Sedano) -> None:
    steps: list[str] = []

    @contextlib.contextmanager
    def surround(task: Task[..., Any], request: Context) -> Iterator[None]:
        steps.append(f"enter {request.id}")
        yield
        steps.append("leave")

    @app.task
    def fail() -> None:
        steps.append("run")
        raise ValueError

    app.around_attempt.append(surround)
    run(app, job_for(fail))

    assert steps == ["enter id-1", "run", "leave"]


def test_surroundings_that_fail_bury_the_message_and_leave_the_child_alive(
    app: Sedano, caplog: pytest.LogCaptureFixture
) -> None:
    @contextlib.contextmanager
    def surround(task: Task[..., Any], request: Context) -> Iterator[None]:
        raise RuntimeError("the database is gone")
        yield

    @app.task
    def work() -> None: ...

    app.around_attempt.append(surround)
    settlement = run(app, job_for(work)).settlement

    assert isinstance(settlement, Bury)
    assert "the database is gone" in settlement.reason
    assert "could not be brought to an end" in caplog.text
    assert current_request.get() is None


def old_job(task: Task[..., Any], **fields: Any) -> Job:
    body = {"task": task.name, "id": "id-1", "args": [], "kwargs": {}, **fields}
    return Job(Delivery(7, "id-1", task.name, "celery", Envelope(b"{}", json.dumps(body).encode())))


def test_times_in_the_body_of_protocol_1_are_heeded(app: Sedano) -> None:
    ran: list[int] = []

    @app.task
    def work() -> None:
        ran.append(1)

    revoked = old_job(work)
    envelope = msgspec.structs.replace(revoked.delivery.envelope, headers=b'{"revoked": true}')
    revoked = Job(msgspec.structs.replace(revoked.delivery, envelope=envelope))
    assert stored(finish_of(run(app, revoked)).result).status == states.REVOKED

    later = run(app, old_job(work, eta="2999-01-01T00:00:00+00:00")).settlement
    expired = finish_of(run(app, old_job(work, expires="2001-01-01T00:00:00+00:00")))
    assert isinstance(later, Requeue)
    assert later.due is not None
    assert stored(expired.result).status == states.REVOKED
    assert ran == []

    run(app, old_job(work, eta="2001-01-01T00:00:00+00:00"))
    assert ran == [1]


def nameless_job(task: str, body: bytes | None = None) -> Job:
    """What the broker could not name: protocol 1 in a form that only children read."""
    body = body or pickle.dumps({"task": task, "id": "id-1", "args": [2], "kwargs": {}})
    envelope = Envelope(b"{}", body, "application/x-python-serialize", "binary")
    return Job(Delivery(7, "id-1", "", "celery", envelope))


def test_a_message_that_only_the_child_can_name_is_run(app: Sedano) -> None:
    app.conf.accept_content = ["json", "pickle"]

    @app.task
    def double(x: int) -> int:
        return x * 2

    assert stored(finish_of(run(app, nameless_job(double.name))).result).result == 4


def test_a_message_that_nobody_can_name_is_buried_and_its_caller_told(app: Sedano) -> None:
    settlement = run(app, nameless_job("proj.add", b"rubbish")).settlement

    assert isinstance(settlement, Bury)
    assert settlement.reason.startswith("ContentDisallowed: ")
    assert stored(settlement.result).status == states.FAILURE


def test_a_task_that_only_the_child_can_name_is_not_parked_without_its_name(app: Sedano) -> None:
    app.conf.accept_content = ["pickle"]

    @app.task
    async def coroutine(x: int) -> None:
        pass

    unknown = run(app, nameless_job("proj.gone")).settlement
    unplaceable = run(app, nameless_job(coroutine.name)).settlement

    assert isinstance(unknown, Bury)
    assert "proj.gone" in unknown.reason
    assert isinstance(unplaceable, Bury)
    assert unplaceable.reason.startswith("NotSupported: ")


@pytest.mark.parametrize("task_id", ["id-1", ""])
def test_a_damaged_message_is_buried_and_its_caller_told_where_it_says_whose_it_is(
    app: Sedano, task_id: str
) -> None:
    damaged = Delivery(7, task_id, "proj.add", "celery", Envelope(b"{}", b"[[], {}, {}]"), malformed="why")

    settlement = run(app, Job(damaged)).settlement

    assert isinstance(settlement, Bury)
    assert settlement.reason == "MalformedMessage: why"
    assert (settlement.result is not None) == bool(task_id)


def test_a_rehearsal_calls_nobody_and_changes_nothing(app: Sedano) -> None:
    called: list[int] = []

    @app.task(track_started=True)
    def note(n: int) -> None:
        called.append(n)

    reports: list[Executed] = []
    executor = Executor(app, node="w@host", report=reports.append)
    job = job_for(note, 1)

    executor.rehearse(job)

    assert (called, reports) == ([], [])
    assert finish_of(executor.execute(job)).tag == 7
    assert called == [1]


def test_a_rehearsal_of_what_cannot_be_read_raises_nothing(app: Sedano) -> None:
    executor = Executor(app, node="w@host")
    for envelope in (
        Envelope(b"{", b"rubbish"),
        Envelope(b'{"task": "nobody.knows", "id": "1"}', b"[[], {}, {}]"),
        Envelope(b'{"task": "a", "id": "1"}', b'[[{"__type__": "no such", "__value__": 1}], {}, {}]'),
    ):
        executor.rehearse(Job(Delivery(1, "1", "a", "celery", envelope)))


def test_a_rehearsal_reads_no_tagged_values_whose_readers_are_the_users(app: Sedano) -> None:
    read: list[object] = []
    json_types.register_type(
        Money, "tests.money", lambda money: money.cents, lambda cents: read.append(cents)
    )

    @app.task
    def pay(money: Money) -> None:
        return None

    Executor(app, node="w@host").rehearse(job_for(pay, Money(5)))

    assert read == []


class Money:
    """A type that a user has taught to JSON."""

    def __init__(self, cents: int) -> None:
        self.cents = cents
