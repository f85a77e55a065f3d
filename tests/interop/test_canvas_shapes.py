"""Workflow shapes beside Celery's: the same expressions give the same JSON, messages and results."""

from collections.abc import Iterator, Mapping
from typing import Any

import celery
import pytest
from celery.canvas import signature as celery_signature
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from sedano import canvas
from sedano.canvas.chain_steps import lay_out
from sedano.canvas.plan import Plan, plan
from tests.interop.canvas_expressions import (
    Canonical,
    Expression,
    as_json,
    build,
    expressions,
    followers,
    messages_of,
    read,
    without_noise,
)
from tests.interop.captured_celery import CapturedCelery

# Celery announces another default for the errbacks of chords.
pytestmark = pytest.mark.filterwarnings("ignore::celery.exceptions.CPendingDeprecationWarning")

A: Expression = ("task", "a", [1], {})
B: Expression = ("task", "b", [2], {})
C: Expression = ("task", "c", [], {})
D: Expression = ("task", "d", [], {"priority": 3})
AB: Expression = ("group", [A, B])
CD: Expression = ("group", [C, D])


@pytest.fixture(scope="module")
def captured() -> Iterator[CapturedCelery]:
    before = celery._state._get_current_app()
    captured = CapturedCelery()
    captured.app.set_current()
    yield captured
    before.set_current()


def tree(result: Any, *, inner: bool = False) -> Any:
    """The ids of a result, its parents and members.

    Without those of groups that are not the result itself: Celery gives some groups another id in the message
    than in the result.
    """
    if result is None:
        return None
    (result_id, parent), members = result if isinstance(result, list | tuple) else result.as_tuple()
    if members is None:
        return result_id, tree(parent, inner=True)
    if inner and len(members) == 1 and members[0][1] is not None:
        # A header of one group is that group, or not: Celery does both.
        return tree(members[0], inner=True)
    return (
        "group" if inner else result_id,
        tree(parent, inner=True),
        [tree(each, inner=True) for each in members],
    )


def same_start(captured: CapturedCelery, theirs: Any, ours: Any, args: Any = (), **options: Any) -> list[Any]:
    """Publish with both; returns the pairs of messages, after having compared everything."""
    captured.take()
    try:
        result = theirs.apply_async(args, **options)
    except IndexError:
        reject()  # Celery cannot: an empty chain is where something must be
    taken, sizes, saved = captured.take()
    planned = plan(ours, args, **options)

    messages = [read(message.headers, message.body) for message in taken]
    planned_messages = messages_of(planned)
    names, our_names = Canonical(), Canonical()
    assert names(without_noise(messages)) == our_names(without_noise(planned_messages))
    assert names(tree(result)) == our_names(tree(as_celery_links_it(ours, planned)))
    counted = {chord.group_id: chord.size for chord in planned.chords}
    # Celery notes sizes of groups that no member counts for, too.
    started = {group_id: size for group_id, size in sizes.items() if any_member(messages, group_id)}
    assert names(started) == our_names(counted)
    assert names(trees(saved)) == our_names(trees(planned.groups))
    return list(zip(messages, planned_messages, strict=True))


def as_celery_links_it(ours: Any, planned: Plan) -> Any:
    """Our result. Of a chord that is published by itself, Celery leaves out what its body begins with."""
    alone = isinstance(ours, canvas.chord)
    if isinstance(ours, canvas.chain):
        steps = lay_out(ours._copy().tasks, unchain_bodies=True)
        alone = len(steps) == 1 and isinstance(steps[0], canvas.chord)
    if alone and planned.result is not None:
        planned.result.parent = planned.result.line()[-1]
    return planned.result


def trees(groups: Mapping[str, Any]) -> dict[str, Any]:
    return {group_id: tree(group) for group_id, group in groups.items()}


def any_member(messages: list[Any], group_id: str) -> bool:
    return any(group_id in str(message) for message in messages)


def differs(signature: Any, *, followed: bool = False) -> bool:
    """Whether Celery makes something of it that we do not want to make.

    A step that follows a chord whose body is a group, it runs once for each member of that group. Where a
    group follows a group, it gives some tasks other ids in the result than in the messages.
    """
    kind, kwargs = signature["subtask_type"], signature["kwargs"]
    if kind == "chain":
        steps = kwargs["tasks"]
        if any(step["subtask_type"] == "group" for step in steps[:-1]):
            return True
        return any(differs(step, followed=followed or step is not steps[-1]) for step in steps)
    if kind == "group":
        return any(map(differs, kwargs["tasks"]))
    if kind != "chord":
        return False
    header, body = kwargs["header"], kwargs["body"]
    if isinstance(header, dict):
        header = header["kwargs"]["tasks"]
    return (
        (followed and body["subtask_type"] == "group")
        or differs(body, followed=followed)
        or any(map(differs, header))
    )


def same_all_the_way(
    captured: CapturedCelery, expression: Expression, args: Any = (), **options: Any
) -> None:
    """Publish with both, and go on as workers do, until nothing follows."""
    theirs = build(expression, celery, captured.app)
    ours = build(expression, canvas)
    assert as_json(theirs) == as_json(ours)
    if differs(as_json(ours)):
        return

    waiting = same_start(captured, theirs, ours, args, **options)
    ended: set[str] = set()
    while waiting:
        message, our_message = waiting.pop()
        for (kind, step, args, more), (_, our_step, _, our_more) in zip(
            followers(message), followers(our_message), strict=True
        ):
            key = str(step["options"].get("task_id"))
            if kind == "body" and key in ended:
                continue
            ended.add(key)
            their_signature = celery_signature(step, app=captured.app)
            captured.take()
            their_signature.apply_async(args, **more)
            taken, _, _ = captured.take()
            planned = plan(canvas.signature(our_step), args, **our_more)
            messages = [read(each.headers, each.body) for each in taken]
            planned_messages = messages_of(planned)
            assert Canonical()(without_noise(messages)) == Canonical()(without_noise(planned_messages))
            waiting += zip(messages, planned_messages, strict=True)


@pytest.mark.parametrize(
    "expression",
    [
        A,
        ("chain", [A, B, C]),
        AB,
        ("chord", [A, B], C),
        ("pipe", AB, C),
        ("pipe", A, AB),
        ("chain", [A, AB, C, CD]),
        ("chord", [("chain", [A, B]), C], ("chain", [C, D])),
        ("chord", [("pipe", A, CD), B], C),
        ("chord", [("chord", [A, B], C), D], C),
        ("chord", [A, B], CD),
        ("group", [("chain", [A, B]), ("chord", [A, B], C), ("pipe", A, CD)]),
        ("group", [("pipe", A, CD)]),
        ("chain", [AB, C, CD, D]),
        ("chain", []),
        ("group", []),
        ("chain", [A, ("group", []), B]),
        ("chord", [], A),
    ],
    ids=str,
)
def test_a_workflow_is_published_as_celery_does(captured: CapturedCelery, expression: Expression) -> None:
    same_all_the_way(captured, expression)


@given(expression=expressions())
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_expression_is_published_as_celery_does(captured: CapturedCelery, expression: Expression) -> None:
    same_all_the_way(captured, expression)


CALLBACK = as_json(canvas.signature("proj.called"))
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "args": st.just((77,)),
        "link": st.just(CALLBACK),
        "link_error": st.just({**CALLBACK, "task": "proj.erred"}),
        "priority": st.sampled_from([5, 6]),
        "countdown": st.just(5),
        "task_id": st.just("01234567-0123-0123-0123-0123456789ab"),
        "root_id": st.just("01234567-0123-0123-0123-0123456789cd"),
    },
)


@given(expression=expressions(), options=OPTIONS)
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_options_of_a_call_go_where_celery_puts_them(
    captured: CapturedCelery, expression: Expression, options: dict[str, Any]
) -> None:
    if isinstance(build(expression, canvas), canvas.group):
        # Celery ignores the id, refuses callbacks, and so do we refuse callbacks.
        options = {name: options[name] for name in options if name not in ("link", "link_error", "task_id")}

    same_all_the_way(captured, expression, **options)


def stamping(base: Any) -> Any:
    """A visitor that stamps everything, for either library."""

    class Stamps(base):  # type: ignore[misc]
        def on_signature(self, sig: Any, **headers: Any) -> Any:
            return {"name": sig.task, "ignored": 1, "stamped_headers": ["name"]}

        def on_chord_body(self, sig: Any, **header: Any) -> Any:
            return {"body": True}

        def on_callback(self, callback: Any, **header: Any) -> Any:
            return {"callback": 1}

        def on_errback(self, errback: Any, **header: Any) -> Any:
            return {"errback": 2}

    return Stamps()


def sorted_names(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: sorted(part) if key == "stamped_headers" else sorted_names(part)
            for key, part in value.items()
        }
    return [sorted_names(part) for part in value] if isinstance(value, list) else value


@given(expression=expressions(), headers=st.sampled_from([{}, {"customer": 1}]), append=st.booleans())
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_stamps_are_put_as_celery_puts_them(
    captured: CapturedCelery, expression: Expression, headers: dict[str, Any], append: bool
) -> None:
    theirs, ours = build(expression, celery, captured.app), build(expression, canvas)

    theirs.stamp(stamping(celery.canvas.StampingVisitor), append_stamps=append, **headers)
    ours.stamp(stamping(canvas.StampingVisitor), append_stamps=append, **headers)

    assert sorted_names(as_json(theirs)) == sorted_names(as_json(ours))


def test_a_stamp_is_in_the_headers_of_the_message(captured: CapturedCelery) -> None:
    theirs, ours = (build(("chain", [A, AB, C]), *library) for library in ((celery, captured.app), (canvas,)))
    for workflow in (theirs, ours):
        workflow.tasks[0].stamp(customer="one")

    ((message, our_message),) = same_start(captured, theirs, ours)

    assert message.headers["stamps"] == our_message.headers["stamps"] == {"customer": "one"}
