"""``Task.retry`` and automatic retries."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from sedano import Sedano, Task
from sedano.errors import Ignore, MaxRetriesExceeded, Reject, Retry
from sedano.message.decoding import decode
from sedano.message.task_message import TaskMessage
from sedano.tasks import retrying
from sedano.tasks.request import Context, current_request
from sedano.testing.clock import ManualClock


@contextmanager
def running(
    task: Task[..., Any], *args: Any, kwargs: dict[str, Any] | None = None, **fields: Any
) -> Iterator[Context]:
    message = TaskMessage(id="run-1", task=task.name, args=args, kwargs=kwargs or {}, **fields)
    request = Context.from_message(message, task, queue="mails", priority=4)
    token = current_request.set(request)
    try:
        yield request
    finally:
        current_request.reset(token)


def next_attempt(request: Context) -> TaskMessage:
    (publication,) = request.follow_ups
    return decode(publication.envelope, accept={"json"})


@pytest.fixture
def send(app: Sedano) -> Task[..., Any]:
    @app.task(name="proj.send", max_retries=2, default_retry_delay=40)
    def send(to: str, copy: str = "") -> None: ...

    return send


def test_a_retry_is_the_same_call_once_more(send: Task[..., Any], clock: ManualClock) -> None:
    fields = {
        "group": "g",
        "group_index": 3,
        "root_id": "root-1",
        "parent_id": "parent-1",
        "retries": 1,
        "expires": "2030-01-01T00:00:00+00:00",
        "time_limit": 9.0,
        "headers": {"tenant": "acme"},
        "shadow": "pong",
        "ignore_result": True,
        "chord": {"task": "proj.body"},
        "reply_to": "me",
        "correlation_id": "c-1",
    }

    with running(send, "a", kwargs={"copy": "b"}, **fields) as request, pytest.raises(Retry) as raised:
        send.retry(countdown=60)

    again = next_attempt(request)
    kept = {name: getattr(again, name) for name in fields}
    assert kept == {**fields, "retries": 2}
    assert (again.id, list(again.args), again.kwargs) == ("run-1", ["a"], {"copy": "b"})
    (publication,) = request.follow_ups
    assert (publication.queue, publication.priority) == ("mails", 4)
    assert publication.due == clock.timestamp() + 60
    assert raised.value.when == 60


def test_a_retry_keeps_its_place_in_the_workflow(send: Task[..., Any]) -> None:
    step = {"task": "proj.step", "options": {}}
    fields: dict[str, Any] = {
        "callbacks": [step],
        "errbacks": [step],
        "chain": [step],
        "stamped_headers": ["tenant"],
        "stamps": {"tenant": "acme"},
        "replaced_task_nesting": 2,
    }

    with running(send, "ann", **fields) as request, pytest.raises(Retry):
        send.retry()

    again = next_attempt(request)
    assert {name: getattr(again, name) for name in fields} == fields


def test_a_retry_may_have_other_callbacks(send: Task[..., Any]) -> None:
    with running(send, "ann", callbacks=[{"task": "proj.old"}]) as request, pytest.raises(Retry):
        send.retry(link=send.s("bob"), stamped_headers=["tenant"], tenant="acme")  # type: ignore[call-arg]

    again = next_attempt(request)
    assert [callback["args"] for callback in again.callbacks or []] == [["bob"]]
    assert again.stamps == {"tenant": "acme"}


def test_a_retry_publishes_nothing_itself(app: Sedano, send: Task[..., Any]) -> None:
    with running(send, "a"), pytest.raises(Retry):
        send.retry()

    assert app.broker.admin.queues() == []


def test_a_retry_waits_as_long_as_the_task_says(send: Task[..., Any], clock: ManualClock) -> None:
    with running(send, "a") as request, pytest.raises(Retry):
        send.retry()

    assert request.follow_ups[0].due == clock.timestamp() + 40


def test_a_retry_may_be_told_when_and_where(send: Task[..., Any]) -> None:
    eta = datetime(2030, 1, 1, tzinfo=UTC)

    with running(send, "a") as request, pytest.raises(Retry):
        send.retry(eta=eta, queue="later", priority=1)

    (publication,) = request.follow_ups
    assert (publication.due, publication.queue, publication.priority) == (eta.timestamp(), "later", 1)


def test_a_retry_with_no_countdown_at_all_is_due_at_once(send: Task[..., Any]) -> None:
    with running(send, "a") as request, pytest.raises(Retry):
        send.retry(countdown=0)

    assert request.follow_ups[0].due is None


def test_what_is_shown_for_secret_arguments_stays_unless_they_change(send: Task[..., Any]) -> None:
    shown = {"argsrepr": "(***)", "kwargsrepr": "{***}"}
    with running(send, "ann", kwargs={"copy": "eve"}, **shown) as request:
        for changed in ({}, {"args": ("bob",)}):
            send.retry(throw=False, **changed)  # type: ignore[arg-type]

    same, changed_call = (decode(one.envelope, accept={"json"}) for one in request.follow_ups)
    assert (same.argsrepr, same.kwargsrepr) == ("(***)", "{***}")
    assert changed_call.argsrepr == "('bob',)"


def test_a_retry_that_is_not_to_be_thrown_is_returned(send: Task[..., Any]) -> None:
    with running(send, "a") as request:
        assert isinstance(send.retry(throw=False), Retry)

    assert len(request.follow_ups) == 1


@pytest.mark.parametrize(
    ("new_args", "new_kwargs", "expected"),
    [
        (None, {"copy": "new"}, (["a"], {"copy": "new"})),
        (None, {"to": "new"}, (["new"], {})),
        (("new",), None, (["new"], {"copy": "b"})),
        (("new", "both"), None, (["new", "both"], {})),
        (("new",), {"copy": "c"}, (["new"], {"copy": "c"})),
    ],
)
def test_a_retry_may_have_other_arguments(
    send: Task[..., Any], new_args: Any, new_kwargs: Any, expected: tuple[list[str], dict[str, str]]
) -> None:
    given = {"copy": "b"} if new_args else {}

    with running(send, "a", kwargs=given) as request, pytest.raises(Retry):
        send.retry(args=new_args, kwargs=new_kwargs)

    again = next_attempt(request)
    assert (list(again.args), again.kwargs) == expected


def test_without_retries_left_the_cause_is_raised(send: Task[..., Any]) -> None:
    with running(send, "a", retries=2) as request:
        with pytest.raises(KeyError, match="gone"):
            send.retry(exc=KeyError("gone"))
        with pytest.raises(MaxRetriesExceeded, match=r"Can't retry proj\.send\[run-1\]") as raised:
            send.retry()

    assert request.follow_ups == []
    assert raised.value.task_args == ("a",)


def test_the_cause_is_raised_from_the_error_that_is_being_handled(send: Task[..., Any]) -> None:
    with running(send, "a", retries=2), pytest.raises(KeyError) as raised:
        try:
            raise ValueError("first")
        except ValueError:
            send.retry(exc=KeyError("second"))

    assert isinstance(raised.value.__cause__, ValueError)


def test_one_attempt_may_have_another_limit(send: Task[..., Any]) -> None:
    with running(send, "a", retries=2) as request, pytest.raises(Retry):
        send.retry(max_retries=3)

    assert len(request.follow_ups) == 1


def test_a_task_without_a_limit_retries_for_ever(app: Sedano) -> None:
    @app.task(max_retries=None)
    def send() -> None: ...

    with running(send, retries=1000) as request, pytest.raises(Retry):
        send.retry()

    assert next_attempt(request).retries == 1001


def test_a_task_called_directly_raises_the_cause_instead(send: Task[..., Any]) -> None:
    with pytest.raises(KeyError):
        send.retry(exc=KeyError("gone"))
    with pytest.raises(Retry):
        send.retry()


def test_an_eager_retry_carries_the_next_attempt(app: Sedano, send: Task[..., Any]) -> None:
    message = TaskMessage(id="run-1", task=send.name, args=("a",))
    request = Context.from_message(message, send, queue="mails", is_eager=True)
    token = current_request.set(request)
    try:
        retry = send.retry(throw=False)
    finally:
        current_request.reset(token)

    assert (retry.is_eager, retry.sig.args, retry.sig.options.retries) == (True, ("a",), 1)
    assert request.follow_ups == []


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (ConnectionError(), True),
        (ConnectionResetError(), True),
        (BrokenPipeError(), False),
        (ValueError(), False),
        (Ignore(), False),
        (Retry(), False),
        (Reject(), False),
    ],
)
def test_errors_that_a_task_names_retry_it_by_themselves(app: Sedano, error: Exception, wanted: bool) -> None:
    @app.task(autoretry_for=(ConnectionError, Ignore, Retry, Reject), dont_autoretry_for=(BrokenPipeError,))
    def fetch() -> None: ...

    assert retrying.wants_autoretry(fetch, error) is wanted


def test_an_automatic_retry_takes_its_options_from_the_task(app: Sedano, clock: ManualClock) -> None:
    @app.task(autoretry_for=(ValueError,), retry_kwargs={"max_retries": 1, "countdown": 7})
    def fetch() -> None: ...

    with running(fetch) as request, pytest.raises(Retry):
        retrying.autoretry(fetch, ValueError())
    with running(fetch, retries=1), pytest.raises(ValueError, match="last"):
        retrying.autoretry(fetch, ValueError("last"))

    assert request.follow_ups[0].due == clock.timestamp() + 7


@pytest.mark.parametrize(("retries", "expected"), [(0, 3), (1, 6), (4, 48), (5, 90), (500, 90)])
def test_backoff_doubles_up_to_its_longest(app: Sedano, retries: int, expected: int) -> None:
    @app.task(autoretry_for=(ValueError,), retry_backoff=3, retry_backoff_max=90, retry_jitter=False)
    def fetch() -> None: ...

    with running(fetch, retries=retries) as request:
        assert retrying.autoretry_countdown(fetch, request) == expected


def test_jitter_draws_from_nothing_to_the_full_backoff(app: Sedano) -> None:
    @app.task(autoretry_for=(ValueError,), retry_backoff=True)
    def fetch() -> None: ...

    with running(fetch, retries=3) as request:
        drawn = {retrying.autoretry_countdown(fetch, request) for _ in range(500)}

    assert drawn == set(range(9))


def test_a_limit_given_by_hand_counts_for_the_automatic_retry_of_that_attempt(app: Sedano) -> None:
    @app.task(autoretry_for=(MaxRetriesExceeded,), max_retries=9)
    def fetch() -> None: ...

    with running(fetch, retries=1), pytest.raises(MaxRetriesExceeded) as raised:
        try:
            fetch.retry(max_retries=1)
        except MaxRetriesExceeded as error:
            retrying.autoretry(fetch, error)

    assert "Can't retry" in str(raised.value)
