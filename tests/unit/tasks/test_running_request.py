"""What a running task knows of its call, and what its children inherit."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sedano import Sedano, Task, current_task
from sedano.errors import Retry
from sedano.message.task_message import TaskMessage
from sedano.tasks.request import Context, current_request

Messages = Callable[..., list[TaskMessage]]


@contextmanager
def running(task: Task[..., object], **fields: object) -> Iterator[Context]:
    """As a worker runs it: under a request made from its message."""
    message = TaskMessage(**{"id": "run-1", "task": task.name, **fields})  # type: ignore[arg-type]
    request = Context.from_message(message, task, queue="celery", priority=4, hostname="node@here")
    token = current_request.set(request)
    try:
        yield request
    finally:
        current_request.reset(token)


def test_a_task_called_directly_has_a_request_that_says_so(app: Sedano) -> None:
    @app.task(bind=True)
    def ask(self: Task[..., object], x: int) -> tuple[object, ...]:
        return self.request.called_directly, self.request.id, self.request.args

    assert ask(1) == (True, None, (1,))


def test_a_running_task_sees_its_message(app: Sedano) -> None:
    @app.task(bind=True)
    def ask(self: Task[..., object]) -> Context:
        return self.request

    headers = {"tenant": "acme"}
    with running(ask, retries=2, group="g", time_limit=9, headers=headers) as request:
        assert ask.request is request

    assert (request.id, request.root_id, request.retries, request.group) == ("run-1", "run-1", 2, "g")
    assert (request.timelimit, request.time_limit) == ((9, None), 9)
    assert request.delivery_info == {
        "exchange": "",
        "routing_key": "celery",
        "priority": 4,
        "redelivered": False,
    }
    assert (request.headers, request.get("tenant"), request.get("nothing", 7)) == (headers, "acme", 7)
    assert not request.called_directly
    assert "acme" in repr(request)


def test_outside_of_a_task_the_request_is_empty(app: Sedano) -> None:
    @app.task
    def ping() -> None: ...

    assert ping.request.id is None
    assert ping.request.called_directly
    assert not current_task


def test_a_task_that_calls_another_keeps_its_own_request(app: Sedano) -> None:
    seen = []

    @app.task(bind=True)
    def inner(self: Task[..., object]) -> None:
        seen.append((self.request.called_directly, outer.request.id, current_task.name))

    @app.task(bind=True)
    def outer(self: Task[..., object]) -> None:
        inner()
        seen.append((self.request.called_directly, self.request.id, current_task.name))

    with running(outer):
        outer.run()

    assert seen == [(True, "run-1", inner.name), (False, "run-1", outer.name)]


def test_a_call_method_of_ones_own_runs_under_the_workers_request(app: Sedano) -> None:
    class Wrapping(Task[..., object]):
        def __call__(self, *args: object, **kwargs: object) -> object:
            return "wrapped", super().__call__(*args, **kwargs)

    @app.task(bind=True, base=Wrapping)
    def ask(self: Task[..., object]) -> object:
        return self.request.id

    with running(ask):
        assert ask() == ("wrapped", "run-1")
        assert ask() == ("wrapped", None)


def test_what_a_running_task_publishes_is_its_child(app: Sedano, messages: Messages) -> None:
    @app.task
    def child() -> None: ...

    @app.task
    def parent() -> None: ...

    with running(parent, root_id="root-1") as request:
        result = child.delay()
        child.apply_async(add_to_parent=False)

    assert [(message.root_id, message.parent_id) for message in messages()] == [("root-1", "run-1")] * 2
    assert request.children == [result]


def test_a_task_without_a_trail_lists_no_children(app: Sedano) -> None:
    @app.task(trail=False)
    def parent() -> None: ...

    with running(parent) as request:
        parent.delay()

    assert request.children == []


def test_a_task_that_was_called_directly_has_no_children(app: Sedano, messages: Messages) -> None:
    @app.task
    def child() -> None: ...

    @app.task
    def parent() -> None:
        child.delay()

    parent()

    (message,) = messages()
    assert (message.root_id, message.parent_id) == (message.id, None)


def test_children_inherit_the_priority_where_the_setting_says_so(app: Sedano, messages: Messages) -> None:
    app.conf.task_inherit_parent_priority = True

    @app.task
    def child() -> None: ...

    with running(child):
        child.delay()

    assert [message.priority for message in messages()] == [4]


def test_a_workers_task_reports_its_progress_to_the_worker(app: Sedano) -> None:
    reported = []

    @app.task
    def work() -> None: ...

    with running(work) as request:
        request._record_state = lambda state, meta: reported.append((state, meta))
        work.update_state(state="PROGRESS", meta={"done": 1})

    assert reported == [("PROGRESS", {"done": 1})]


def test_progress_of_another_task_is_stored_at_once(app: Sedano) -> None:
    @app.task
    def work() -> None: ...

    work.update_state(task_id="other", state="PROGRESS", meta={"done": 1})

    result = work.AsyncResult("other")
    assert (result.state, result.info) == ("PROGRESS", {"done": 1})


def test_waiting_for_a_result_inside_a_task_is_refused(app: Sedano) -> None:
    import pytest

    @app.task
    def work() -> None: ...

    with running(work), pytest.raises(RuntimeError, match="A task waits for another task's result"):
        work.delay().get()


def test_a_test_may_say_what_the_request_is(app: Sedano) -> None:
    @app.task(bind=True, max_retries=2)
    def work(self: Task[..., Any]) -> int:
        if self.request.retries < 2:
            raise self.retry()
        return self.request.retries

    work.push_request(id="one", retries=2, called_directly=False)
    work.push_request({"id": "two"}, called_directly=False)

    with pytest.raises(Retry):
        work.run()
    assert work.request.id == "two"
    work.pop_request()
    assert (work.request.id, work.run()) == ("one", 2)
    work.pop_request()
    assert (work.request.id, work.request.called_directly) == (None, True)
