"""What follows from a task's end: callbacks, the rest of its chain, its chord; whatever that end is."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sedano import Sedano, chain, chord, group, states
from sedano.brokers.settlement import Bury, Finish, Requeue
from sedano.errors import ResultStoreUnavailable
from sedano.exceptions import ChordError, Ignore, Reject, TaskRevokedError, TimeLimitExceeded, WorkerLostError
from sedano.execution import chord_ends
from sedano.execution.ending import ChordComplete, Crashed, Expired, Revoked, TimedOut
from sedano.tasks.task import Task
from tests.unit.execution.line import Line, ended

numbers = itertools.count()


@pytest.fixture(params=["joint", "outside"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sedano]:
    """Results beside the messages, and elsewhere."""
    where = "memory://" if request.param == "joint" else f"sqlite:///{tmp_path}/results.db"
    app = Sedano("proj", broker=f"memory://flow{next(numbers)}", backend=where, set_as_current=False)
    yield app
    app.close()


@pytest.fixture
def told() -> list[Any]:
    """What errbacks and callbacks were told."""
    return []


class Tasks:
    """The tasks of these tests."""

    def __init__(self, app: Sedano, told: list[Any]) -> None:
        runs: list[Any] = []

        @app.task
        def add(x: int, y: int = 1) -> int:
            runs.append(("add", x, y))
            return x + y

        @app.task
        def total(values: list[Any]) -> Any:
            runs.append(("total", values))
            return values if any(isinstance(value, list) for value in values) else sum(values)

        @app.task
        def fail(*args: Any) -> None:
            runs.append(("fail",))
            raise ValueError("why")

        @app.task
        def tell(*args: Any) -> Any:
            told.append(args)
            return args[0] if args else None

        @app.task
        def heard(failed_id: str) -> None:
            told.append(("id", failed_id))

        @app.task
        def look(request: Any, error: BaseException, traceback: str | None) -> None:
            told.append(("error", request.id, type(error).__name__, str(error)))

        self.runs = runs
        self.add, self.total, self.fail = add, total, fail
        self.tell, self.heard, self.look = tell, heard, look


@pytest.fixture
def t(app: Sedano, told: list[Any]) -> Tasks:
    return Tasks(app, told)


@pytest.fixture
def line(app: Sedano, t: Tasks) -> Line:
    return Line(app)


def state_and_result(result: Any) -> tuple[str, Any]:
    return result.state, result.result


# -- success


def test_a_chain_runs_step_by_step_and_each_gets_what_the_one_before_returned(line: Line, t: Tasks) -> None:
    result = chain(t.add.s(1, 1), t.add.s(10), t.add.s(100)).apply_async()

    line.run()

    assert state_and_result(result) == (states.SUCCESS, 112)
    assert state_and_result(result.parent) == (states.SUCCESS, 12)
    assert t.runs == [("add", 1, 1), ("add", 2, 10), ("add", 12, 100)]


def test_one_callback_is_published_alone_and_several_as_a_group(
    line: Line, t: Tasks, told: list[Any]
) -> None:
    t.add.apply_async((1, 1), link=t.tell.s("alone"))
    t.add.apply_async((2, 2), link=[t.tell.s("a"), t.tell.s("b"), group(t.tell.s("c"))])

    line.run()

    assert sorted(told) == [(2, "alone"), (4, "a"), (4, "b"), (4, "c")]


def test_what_follows_knows_its_parent_and_its_root_and_is_listed_among_the_children(
    app: Sedano, line: Line, t: Tasks
) -> None:
    seen: list[tuple[Any, ...]] = []

    @app.task(bind=True)
    def remember(self: Task[..., Any], *args: Any) -> None:
        seen.append((self.request.root_id, self.request.parent_id))

    line = Line(app)
    result = chain(t.add.s(1, 1), remember.s()).apply_async(link=remember.s())
    line.run()

    first = result.parent
    assert seen == [(first.id, first.id), (first.id, result.id)]
    assert [child.id for child in first.children] == [result.id]


def test_a_second_delivery_is_followed_by_the_same_messages(line: Line, t: Tasks) -> None:
    t.add.apply_async((1, 1), link=[t.tell.s("a"), chord([t.add.s(2)], t.total.s())])
    (job,) = line.jobs()

    first, second = line.work(job)[-1], line.work(job)[-1]

    assert isinstance(first, Finish)
    assert isinstance(second, Finish)
    ids = [one.task_id for one in first.follow_ups]
    assert len(set(ids)) == 2
    assert [one.task_id for one in second.follow_ups] == ids


def test_the_body_of_a_chord_gets_what_the_members_returned_in_their_order(line: Line, t: Tasks) -> None:
    result = chord([t.add.s(i, i) for i in range(20)], t.total.s()).apply_async()

    line.run()

    assert state_and_result(result) == (states.SUCCESS, sum(2 * i for i in range(20)))
    assert t.runs[-1] == ("total", [2 * i for i in range(20)])


def test_members_whose_results_are_not_kept_give_their_part_all_the_same(
    app: Sedano, line: Line, t: Tasks
) -> None:
    members = [t.add.s(i).set(ignore_result=True) for i in range(3)]
    result = chord(members, t.total.s()).apply_async()

    line.run()

    assert state_and_result(result) == (states.SUCCESS, 6)


def test_workflows_may_be_put_into_each_other(line: Line, t: Tasks) -> None:
    inner = chord([t.add.s(1), t.add.s(2)], t.total.s())
    outer = chain(t.add.s(0, 0), chord([chain(t.add.s(10), inner), t.add.s(5)], t.total.s()), t.add.s(1000))
    result = outer.apply_async()

    line.run()

    # 0 -> [chain: 10 -> chord of 11 and 12, together 23; and 5] -> 28 -> 1028
    assert state_and_result(result) == (states.SUCCESS, 1028)


def test_a_group_inside_a_header_comes_as_a_list_in_the_list(line: Line, t: Tasks) -> None:
    header = [chain(t.add.s(1), group(t.add.s(10), t.add.s(20))), t.add.s(5)]
    result = chord(header, t.total.s()).apply_async()

    line.run()

    assert state_and_result(result) == (states.SUCCESS, [[12, 22], 6])


def test_a_chain_that_ends_in_a_group_gives_all_its_results(line: Line, t: Tasks) -> None:
    result = chain(t.add.s(1), group(t.add.s(10), t.add.s(20))).apply_async()

    line.run()

    assert [one.result for one in result] == [12, 22]


def test_a_result_that_the_next_step_cannot_be_sent_is_a_failure(app: Sedano, t: Tasks) -> None:
    @app.task(ignore_result=True)
    def give_object() -> object:
        return object()

    line = Line(app)
    result = chain(give_object.s(), t.add.s(1)).apply_async()
    member = chord([give_object.s()], t.total.s()).apply_async()
    line.run()

    assert result.state == states.FAILURE
    assert "cannot be written" in str(result.result)
    assert member.state == states.FAILURE
    assert isinstance(member.result, ChordError)


# -- failure


def test_all_steps_after_a_failed_one_have_failed_with_its_error(line: Line, t: Tasks) -> None:
    result = chain(t.fail.s(), t.add.s(1), t.add.s(2)).apply_async()

    line.run()

    for step in (result, result.parent, result.parent.parent):
        assert step.state == states.FAILURE
        assert repr(step.result) == "ValueError('why')"
    assert result.traceback is not None
    assert t.runs == [("fail",)]


def test_a_failed_step_fails_all_that_a_later_one_consists_of(line: Line, t: Tasks) -> None:
    result = chain(t.fail.s(), group(t.add.s(1), chord([t.add.s(2), t.add.s(3)], t.total.s()))).apply_async()

    line.run()

    assert [member.state for member in result] == [states.FAILURE, states.FAILURE]
    header = result[1].parent
    assert [member.state for member in header] == [states.FAILURE, states.FAILURE]


def test_errbacks_get_the_error_or_the_id_as_their_arguments_ask(
    line: Line, t: Tasks, told: list[Any]
) -> None:
    errbacks = [t.look.s(), t.heard.s(), t.tell.si("nothing")]
    result = t.fail.apply_async(link_error=errbacks)

    line.run()

    assert sorted(told) == sorted(
        [("error", result.id, "ValueError", "why"), ("id", result.id), ("nothing",)]
    )


def test_an_errback_that_raises_is_logged_and_changes_nothing(
    app: Sedano, t: Tasks, told: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    @app.task
    def bad(request: Any, error: BaseException, traceback: str) -> None:
        raise RuntimeError("a bug in an errback")

    line = Line(app)
    result = t.fail.apply_async(link_error=[bad.s(), t.heard.s()])
    line.run()

    assert result.state == states.FAILURE
    assert told == [("id", result.id)]
    assert "a bug in an errback" in caplog.text


def test_an_errback_of_a_task_that_nobody_knows_here_is_published(app: Sedano, line: Line, t: Tasks) -> None:
    t.fail.apply_async(link_error=app.signature("elsewhere.errback"))

    line.run()

    assert [message.state for message in app.broker.admin.peek("celery")] == ["parked"]


@pytest.mark.parametrize(
    ("ending", "state", "error", "calls_errbacks"),
    [
        (TimedOut(5.0), states.FAILURE, TimeLimitExceeded, True),
        (Crashed("signal 9"), states.FAILURE, WorkerLostError, True),
        (Expired(), states.REVOKED, TaskRevokedError, False),
        (Revoked(), states.REVOKED, TaskRevokedError, False),
    ],
)
def test_a_task_that_was_ended_from_outside_takes_its_workflow_along(
    line: Line, t: Tasks, told: list[Any], ending: Any, state: str, error: type, calls_errbacks: bool
) -> None:
    steps = chain(t.add.s(1).on_error(t.heard.s()), t.add.s(2))
    result = chord([steps, t.add.s(5)], t.total.s()).apply_async()
    first, other = line.jobs()

    line.settle(line.work(ended(first, ending)) + line.work(other))
    line.run()
    jobs, _ = line.exchange([], 0)
    assert jobs == []

    step = result.parent[0]
    assert step.state == state
    assert isinstance(step.result, error)
    assert step.parent.state == state
    assert [word for word, *_ in told] == (["id"] if calls_errbacks else [])


@pytest.mark.parametrize("how", ["fail", "ignore", "reject"])
@pytest.mark.parametrize("acks_late", [True, False])
def test_however_a_member_ends_without_a_result_the_body_is_told_once(
    app: Sedano, t: Tasks, told: list[Any], how: str, acks_late: bool
) -> None:
    @app.task(acks_late=acks_late)
    def member() -> None:
        raise {"fail": ValueError("why"), "ignore": Ignore(), "reject": Reject("no use")}[how]

    line = Line(app)
    body = t.total.s().on_error(t.look.s())
    result = (chord([t.add.s(1), member.s(), t.add.s(2)], body) | t.add.s(1)).apply_async()
    line.run()

    assert result.state == states.FAILURE
    assert isinstance(result.result, ChordError)
    assert [(word, name) for word, _, name, _ in told] == [("error", "ChordError")]
    assert "Dependency" in told[0][3]
    assert all(name != "total" for name, *_ in t.runs)
    if how == "reject" and acks_late:
        assert len(app.broker.admin.dead_letters()) == 1


def test_a_member_that_crashed_with_its_nodes_is_buried_and_its_chord_hears_of_it(
    app: Sedano, line: Line, t: Tasks, told: list[Any]
) -> None:
    result = chord([t.add.s(1)], t.total.s().on_error(t.look.s())).apply_async()
    for _ in range(4):
        (job,) = line.jobs()
        assert job.ending is None
        line.settle([Requeue(job.delivery.tag, crashed=True)])

    line.run()

    assert t.runs == []
    assert isinstance(result.parent[0].result, WorkerLostError)
    assert [(word, name) for word, _, name, _ in told] == [("error", "ChordError")]
    (letter,) = app.broker.admin.dead_letters()
    assert letter.crashes == 4
    assert "crash 4" in letter.reason


def test_an_outer_chord_hears_that_an_inner_one_has_failed(line: Line, t: Tasks, told: list[Any]) -> None:
    inner = chord([t.fail.s(), t.add.s(2)], t.total.s())
    result = chord([t.add.s(1), inner, t.add.s(3)], t.total.s().on_error(t.look.s())).apply_async()

    line.run()

    assert isinstance(result.result, ChordError)
    assert "ChordError" in str(result.result)
    assert len([word for word, *_ in told if word == "error"]) == 1


def test_the_members_of_a_body_that_is_a_group_fail_with_what_the_member_raised(
    line: Line, t: Tasks, told: list[Any]
) -> None:
    body = group(t.tell.s("a").on_error(t.heard.s()), t.tell.s("b").on_error(t.heard.s()))
    result = chord([t.fail.s()], body).apply_async()

    line.run()

    assert [repr(member.result) for member in result] == ["ValueError('why')"] * 2
    assert sorted(told) == sorted(("id", member.id) for member in result)


def test_a_body_that_cannot_be_published_has_failed(app: Sedano, t: Tasks) -> None:
    @app.task
    def two_arguments(x: Any, y: Any) -> None: ...

    line = Line(app)
    result = chord([t.add.s(1)], two_arguments.s()).apply_async()
    line.run()

    assert isinstance(result.result, ChordError)
    assert "Callback error" in str(result.result)


# -- once, whatever dies


def test_a_member_that_comes_again_is_not_run_again(line: Line, t: Tasks) -> None:
    result = chord([t.add.s(1), t.add.s(2)], t.total.s()).apply_async()
    first, second = line.jobs()
    line.settle(line.work(first))
    runs = len(t.runs)

    settlements = line.work(second)
    _, completed = line.settle(settlements)
    assert [one.tag for one in completed] == [second.delivery.tag]
    # Here the node dies, before it has read what the members returned.
    line.die()
    line.run()

    assert state_and_result(result) == (states.SUCCESS, 5)
    assert len([name for name, *_ in t.runs if name == "add"]) == runs + 1
    assert len([name for name, *_ in t.runs if name == "total"]) == 1
    assert line.jobs() == []


def test_of_two_nodes_that_end_a_chord_one_publishes_its_body(line: Line, t: Tasks) -> None:
    chord([t.add.s(1)], t.total.s()).apply_async()
    (job,) = line.jobs()
    (completed,) = line.settle(line.work(job))[1]
    (delivery,) = line.lease.reread([completed.tag])
    ending = msgspec.structs.replace(job, delivery=delivery, ending=ChordComplete((completed.group_id,)))
    early, late = line.work(ending), line.work(ending)

    line.settle(early)
    line.settle(late)
    line.run()

    assert len([name for name, *_ in t.runs if name == "total"]) == 1


def test_members_without_messages_complete_their_chord_by_themselves(app: Sedano, t: Tasks) -> None:
    @app.task(acks_late=False)
    def once(x: int) -> int:
        return x

    line = Line(app)
    result = chord([once.s(1), once.s(2)], t.total.s()).apply_async()
    failed = chord([once.s(1), t.fail.s(), once.s(2)], t.total.s()).apply_async()
    line.run()

    assert state_and_result(result) == (states.SUCCESS, 3)
    assert isinstance(failed.result, ChordError)


def test_a_member_without_a_message_waits_for_the_store_to_count_it(
    app: Sedano, t: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    @app.task(acks_late=False)
    def once(x: int) -> int:
        return x

    assert app.results is not None
    add_parts, pauses = app.results.groups.add_parts, []

    def away_twice(parts: Any) -> Any:
        if len(pauses) < 2:
            raise ResultStoreUnavailable("it is away")
        return add_parts(parts)

    monkeypatch.setattr(chord_ends, "sleep", pauses.append)
    monkeypatch.setattr(app.results.groups, "add_parts", away_twice)
    line = Line(app)
    result = chord([once.s(1), once.s(2)], t.total.s()).apply_async()
    line.run()

    assert state_and_result(result) == (states.SUCCESS, 3)
    assert len(pauses) == 2


def test_a_chord_whose_body_killed_too_many_processes_has_failed(line: Line, t: Tasks) -> None:
    result = chord([t.add.s(1)], t.total.s()).apply_async()
    (job,) = line.jobs()
    (completed,) = line.settle(line.work(job))[1]
    (delivery,) = line.lease.reread([completed.tag])

    ending = ChordComplete((completed.group_id,), failure="signal 9")
    line.settle(line.work(msgspec.structs.replace(job, delivery=delivery, ending=ending)))

    assert repr(result.result) == "ChordError('signal 9')"


def test_a_member_keeps_its_place_when_it_is_tried_again(app: Sedano, t: Tasks) -> None:
    tries: list[int] = []

    @app.task(bind=True, default_retry_delay=0)
    def shaky(self: Task[..., Any], x: int) -> int:
        tries.append(x)
        if len(tries) < 3:
            raise self.retry(countdown=0)
        return x

    line = Line(app)
    result = chord([t.add.s(1), shaky.s(40), t.add.s(3)], t.tell.s()).apply_async()
    line.run()

    assert tries == [40, 40, 40]
    assert state_and_result(result) == (states.SUCCESS, [2, 40, 4])


def test_a_silent_end_is_told_to_the_workflow_and_to_nobody_else(
    app: Sedano, t: Tasks, told: list[Any]
) -> None:
    class Watched(Task[..., Any]):
        def on_failure(self, *args: Any) -> None:
            told.append("handler")

    @app.task(base=Watched)
    def watched() -> None: ...

    line = Line(app)
    result = chain(watched.s().on_error(t.look.s()).on_error(t.heard.s()), t.add.s(1)).apply_async()
    (job,) = line.jobs()
    line.settle(line.work(msgspec.structs.replace(job, ending=TimedOut(5.0), silent=True)))
    line.run()

    assert isinstance(result.result, TimeLimitExceeded)
    assert told == [("id", result.parent.id)]


def test_what_surrounds_a_task_may_fail_and_its_workflow_hears_of_it(app: Sedano, t: Tasks) -> None:
    def surround(task: Task[..., Any], request: Any) -> Any:
        if task is t.add:
            raise RuntimeError("the database is gone")
        return __import__("contextlib").nullcontext()

    app.around_attempt.append(surround)
    line = Line(app)
    result = chain(t.add.s(1), t.tell.s()).apply_async()
    line.run()

    assert repr(result.result) == "RuntimeError('the database is gone')"
    assert isinstance(line.buried[0], Bury)


# -- other calls in a task's place


def test_a_task_is_replaced_by_a_call_with_its_id_and_its_place(
    app: Sedano, t: Tasks, told: list[Any]
) -> None:
    @app.task(bind=True)
    def choose(self: Task[..., Any], x: int) -> Any:
        return self.replace(t.add.s(x, 100))

    line = Line(app)
    result = chain(choose.s(1), t.add.s(1000)).apply_async(link=t.tell.s())
    in_chord = chord([choose.s(1), t.add.s(1)], t.tell.s()).apply_async()
    line.run()

    assert state_and_result(result) == (states.SUCCESS, 1101)
    assert result.parent.result == 101
    assert in_chord.result == [101, 2]
    assert (1101,) in told


@pytest.mark.parametrize("shape", ["group", "chain", "chord", "chain of group"])
def test_a_task_is_replaced_by_any_workflow(app: Sedano, t: Tasks, shape: str) -> None:
    @app.task(bind=True)
    def spread(self: Task[..., Any]) -> Any:
        parts = group(t.add.s(1), t.add.s(2))
        return self.replace(
            {
                "group": parts,
                "chain": chain(t.add.s(1), t.add.s(10)),
                "chord": chord([t.add.s(1), t.add.s(2)], t.total.s()),
                "chain of group": chain(t.add.s(0), parts),
            }[shape]
        )

    line = Line(app)
    alone = spread.delay()
    in_chain = chain(spread.s(), t.tell.s()).apply_async()
    in_chord = chord([t.add.s(0), spread.s()], t.tell.s()).apply_async()
    line.run()

    value = {"group": [2, 3], "chain": 12, "chord": 5, "chain of group": [2, 3]}[shape]
    assert state_and_result(alone) == (states.SUCCESS, value)
    assert state_and_result(in_chain) == (states.SUCCESS, value)
    assert state_and_result(in_chord) == (states.SUCCESS, [1, value])


def test_errbacks_of_a_replaced_task_are_those_of_what_replaced_it(
    app: Sedano, t: Tasks, told: list[Any]
) -> None:
    @app.task(bind=True)
    def choose(self: Task[..., Any]) -> Any:
        return self.replace(t.fail.s())

    line = Line(app)
    result = choose.apply_async(link_error=t.heard.s())
    line.run()

    assert told == [("id", result.id)]


def test_a_member_may_add_members_to_its_chord(app: Sedano, t: Tasks) -> None:
    @app.task(bind=True, acks_late=True)
    def more(self: Task[..., Any], x: int) -> int:
        self.add_to_chord(t.add.s(x, 100))
        return x

    @app.task(bind=True, acks_late=False)
    def more_at_once(self: Task[..., Any], x: int) -> int:
        self.add_to_chord(t.add.s(x, 1000))
        return x

    line = Line(app)
    result = chord([more.s(1), t.add.s(1)], t.total.s()).apply_async()
    at_once = chord([more_at_once.s(1), t.add.s(1)], t.total.s()).apply_async()
    line.run()

    assert state_and_result(result) == (states.SUCCESS, 1 + 101 + 2)
    assert state_and_result(at_once) == (states.SUCCESS, 1 + 1001 + 2)


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("acks_late", [True, False])
def test_members_that_a_task_adds_and_publishes_itself_count_each(
    app: Sedano, t: Tasks, apart: bool, acks_late: bool
) -> None:
    @app.task(bind=True, acks_late=acks_late)
    def more(self: Task[..., Any], x: int) -> int:
        for number in (100, 1000):
            self.add_to_chord(t.add.s(x, number), lazy=True).apply_async()
        return x

    line = Line(app, apart=apart)
    result = chord([more.s(1), t.add.s(1)], t.total.s()).apply_async()
    line.run()

    assert state_and_result(result) == (states.SUCCESS, 1 + 101 + 1001 + 2)


def test_a_member_that_runs_again_adds_the_same_members(
    app: Sedano, t: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its node died when the store, which is apart from the broker, had been told a part of its end."""

    def away(*args: Any) -> Any:
        raise ResultStoreUnavailable("it is away")

    @app.task(bind=True)
    def more(self: Task[..., Any], x: int) -> int:
        self.add_to_chord(t.add.s(x, 100))
        return x

    line = Line(app, apart=True)
    result = chord([more.s(1), t.add.s(1)], t.total.s()).apply_async()
    assert app.results is not None
    (job,) = line.jobs(1)
    with monkeypatch.context() as patch, pytest.raises(ResultStoreUnavailable):
        patch.setattr(app.results.groups, "add_parts", away)
        line.settle(line.work(job))
    line.die()
    line.run()

    assert state_and_result(result) == (states.SUCCESS, 1 + 101 + 2)


def test_only_members_of_chords_may_add_members(app: Sedano, t: Tasks) -> None:
    @app.task(bind=True)
    def more(self: Task[..., Any]) -> None:
        self.add_to_chord(t.add.s(1))

    line = Line(app)
    result = more.delay()
    line.run()

    assert isinstance(result.result, ValueError)


def test_a_member_of_a_chord_is_not_run_where_nothing_can_count_it(t: Tasks) -> None:
    app = Sedano("other", broker="memory://uncounted", backend="disabled", set_as_current=False)

    @app.task
    def member() -> None:
        raise AssertionError

    member.apply_async(group_id="g", group_index=0, chord={"task": "body", "options": {}})
    from sedano.execution.executor import Executor
    from sedano.execution.job import Job
    from sedano.testing.broker_cases.fixtures import begin_lease

    (delivery,) = begin_lease(app.broker, "w").claim(("celery",), 1).deliveries
    settlement = Executor(app).execute(Job(delivery)).settlement

    assert isinstance(settlement, Bury)
    assert "result store" in settlement.reason
    app.close()


def test_a_task_goes_back_when_its_chord_cannot_be_asked_or_told(
    app: Sedano, line: Line, t: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: Any, **kwargs: Any) -> Any:
        raise ResultStoreUnavailable("it is away")

    chord([t.add.s(1)], t.total.s()).apply_async()
    t.add.apply_async((1,), link=chord([t.add.s(2)], t.total.s()))
    member, starter = line.jobs()
    again = msgspec.structs.replace(
        member, delivery=msgspec.structs.replace(member.delivery, redelivered=True)
    )
    assert app.results is not None
    monkeypatch.setattr(app.results.groups, "has_part", away)
    monkeypatch.setattr(app.results.groups, "begin_chord", away)

    for job in (again, starter):
        (settlement,) = line.work(job)
        assert isinstance(settlement, Requeue)
        assert settlement.due is not None
        assert not settlement.crashed
