"""The tasks that every application has under Celery's names, run by an executor."""

from collections.abc import Iterator
from typing import Any

import pytest

from sedano import Sedano
from sedano.brokers.delivery import Delivery
from sedano.brokers.settlement import Finish
from sedano.execution.executor import Executor
from sedano.execution.job import Job
from sedano.message.celery_v2 import encode
from sedano.message.decoding import decode
from sedano.message.task_message import TaskMessage
from sedano.results import celery_meta
from sedano.results.task_meta import TaskMeta
from sedano.testing.clock import ManualClock

BLAME: dict[str, Any] = {
    "task": "proj.blame",
    "args": [],
    "kwargs": {},
    "options": {},
    "subtask_type": None,
    "immutable": False,
}
BODY: dict[str, Any] = {
    "task": "proj.total",
    "args": [],
    "kwargs": {},
    "options": {"task_id": "body", "link_error": [BLAME]},
    "subtask_type": None,
    "immutable": False,
}
MEMBERS = [[["a", None], None], [["b", None], None]]


@pytest.fixture
def blamed() -> list[tuple[Any, ...]]:
    return []


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def app(blamed: list[tuple[Any, ...]], clock: ManualClock) -> Iterator[Sedano]:
    with Sedano("proj", broker="memory://", set_as_current=False, clock=clock) as app:

        @app.task(name="proj.add")
        def add(x: int, y: int = 0) -> int:
            return x + y

        @app.task(name="proj.total")
        def total(numbers: list[int]) -> int:
            return sum(numbers)

        @app.task(name="proj.double")
        async def double(x: int) -> int:
            return 2 * x

        @app.task(name="proj.blame")
        def blame(request: Any, error: BaseException, traceback: str) -> None:
            blamed.append((request.id, repr(error)))

        yield app


def settled(app: Sedano, name: str, *args: Any, **kwargs: Any) -> Finish:
    """How a message is settled."""
    message = TaskMessage(id="own", task=name, args=args, kwargs=kwargs)
    job = Job(Delivery(7, "own", name, "celery", encode(message)))
    settlement = Executor(app).execute(job).settlement
    assert isinstance(settlement, Finish), settlement
    return settlement


def result_of(app: Sedano, name: str, *args: Any, **kwargs: Any) -> Any:
    settlement = settled(app, name, *args, **kwargs)
    assert settlement.result is not None
    return celery_meta.decode("own", settlement.result.document).result


def followers(settlement: Finish) -> list[TaskMessage]:
    return [decode(one.envelope, accept={"json"}) for one in settlement.follow_ups]


def end(app: Sedano, meta: TaskMeta) -> None:
    """Store the result of a member."""
    assert app.results is not None
    app.results.put([celery_meta.to_write(meta, app.settings.results, now=app.clock.timestamp())])


def test_they_are_hidden_where_tasks_are_shown(app: Sedano) -> None:
    assert "celery.chord_unlock" in app.tasks
    assert "proj.add" in app.tasks.shown()
    assert not any(name.startswith("celery.") for name in app.tasks.shown())


def test_accumulate_gives_what_it_gets_or_one_of_it(app: Sedano) -> None:
    assert result_of(app, "celery.accumulate", 1, 2) == [1, 2]
    assert result_of(app, "celery.accumulate", [1, 2], 3, index=0) == [1, 2]


def test_map_calls_the_function_with_each_item(app: Sedano) -> None:
    assert result_of(app, "celery.map", task={"task": "proj.total"}, it=[[1, 2], [3]]) == [3, 3]
    assert result_of(app, "celery.map", task={"task": "proj.double"}, it=[1, 2]) == [2, 4]


def test_starmap_calls_the_function_with_the_arguments_in_each_item(app: Sedano) -> None:
    assert result_of(app, "celery.starmap", task={"task": "proj.add"}, it=[[1, 2], [3]]) == [3, 3]


def test_chunks_are_published(app: Sedano) -> None:
    group_id = result_of(app, "celery.chunks", task=dict(app.tasks["proj.add"].s()), it=[[1], [2], [3]], n=2)[
        0
    ][0]

    stored = app.broker.admin.peek("celery")
    messages = [decode(one.envelope, accept={"json"}) for one in stored]
    assert [message.kwargs["it"] for message in messages] == [[[1], [2]], [[3]]]
    assert {message.group for message in messages} == {group_id}


def test_a_group_and_a_chord_of_long_ago_are_published(app: Sedano) -> None:
    add, total = app.tasks["proj.add"], app.tasks["proj.total"]

    result_of(app, "celery.group", [dict(add.s(1, 2))], None, "the-group", [])
    result_of(app, "celery.chord", [dict(add.s(1, 2)), dict(add.s(3, 4))], dict(total.s()))

    messages = [decode(one.envelope, accept={"json"}) for one in app.broker.admin.peek("celery")]
    assert [message.group == "the-group" for message in messages] == [True, False, False]
    assert [message.chord is not None for message in messages] == [False, True, True]


def test_backend_cleanup_deletes_what_has_expired(app: Sedano, clock: ManualClock) -> None:
    end(app, TaskMeta.succeeded("old", 1, finished_at=clock.now()))
    clock.advance(2 * 24 * 3600)

    result_of(app, "celery.backend_cleanup")

    assert app.results is not None
    assert app.results.prune() == 0


# -- celery.chord_unlock


def test_a_chord_whose_members_have_not_ended_is_looked_at_again(app: Sedano, clock: ManualClock) -> None:
    end(app, TaskMeta.succeeded("a", 1, finished_at=clock.now()))

    settlement = settled(app, "celery.chord_unlock", "g", BODY, result=MEMBERS, interval=5)

    (again,) = followers(settlement)
    assert (again.task, again.retries, again.args[0]) == ("celery.chord_unlock", 1, "g")
    assert settlement.follow_ups[0].due == clock.timestamp() + 5


def test_a_chord_whose_members_have_ended_is_followed_by_its_body(app: Sedano, clock: ManualClock) -> None:
    end(app, TaskMeta.succeeded("a", 1, finished_at=clock.now()))
    end(app, TaskMeta.succeeded("b", 2, finished_at=clock.now()))

    (body,) = followers(settled(app, "celery.chord_unlock", "g", BODY, result=MEMBERS))

    assert (body.id, body.task, body.args) == ("body", "proj.total", [[1, 2]])


def test_a_chord_with_a_failed_member_fails_its_body(
    app: Sedano, clock: ManualClock, blamed: list[tuple[Any, ...]]
) -> None:
    end(app, TaskMeta.succeeded("a", 1, finished_at=clock.now()))
    end(app, TaskMeta.failed("b", ValueError("no"), finished_at=clock.now()))

    settlement = settled(app, "celery.chord_unlock", "g", BODY, result=MEMBERS)

    assert settlement.follow_ups == ()
    assert settlement.workflow is not None
    (write,) = settlement.workflow.results
    meta = celery_meta.decode("body", write.document)
    assert (write.task_id, meta.status) == ("body", "FAILURE")
    assert repr(meta.result) == """ChordError("Dependency b raised ValueError('no')")"""
    assert blamed == [("body", repr(meta.result))]


def test_a_chord_that_was_looked_at_too_often_fails_its_body(
    app: Sedano, blamed: list[tuple[Any, ...]]
) -> None:
    settled(app, "celery.chord_unlock", "g", BODY, result=MEMBERS, max_retries=0)

    ((blamed_id, error),) = blamed
    assert blamed_id == "body"
    assert "could not be retried" in error
