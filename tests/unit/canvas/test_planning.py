"""What is published of a workflow: every id, group and chord, decided before anything is sent."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from sedano.canvas import Signature, chain, chord, chunks, group, signature
from sedano.canvas.plan import ChordStart, Plan, plan
from sedano.errors import ConfigurationError
from sedano.results.group_result import GroupResult
from tests.unit.canvas.sending import Notebook


def call(name: str, *args: Any, **options: Any) -> Signature[Any]:
    return signature(name, args=args, **options)


def numbered() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"id-{next(numbers)}"


def names(planned: Plan) -> list[str]:
    return [call.task for call in planned.calls]


def test_the_first_step_carries_the_others_the_next_one_last() -> None:
    planned = plan(call("a") | call("b") | call("c"), (1,), new_id=numbered())

    (only,) = planned.calls
    assert (only.task, only.args) == ("a", (1,))
    assert [step["task"] for step in only.options["chain"]] == ["c", "b"]
    assert planned.result.as_tuple() == (("id-3", (("id-2", (("id-1", None), None)), None)), None)  # type: ignore[union-attr]
    assert planned.started is not None and planned.started.id == "id-1"


def test_nothing_of_ours_is_in_a_message() -> None:
    linked = call("a")
    linked.link(call("b"))
    linked.link_error(call("c"))
    workflow = chord([linked | call("d"), call("e") | group(call("f"), call("g"))], call("h") | call("i"))

    for published in plan(workflow).calls:
        assert_plain({name: published.options[name] for name in published.options if name != "headers"})


def assert_plain(value: Any) -> None:
    assert not isinstance(value, Signature)
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        assert_plain(part)


def test_the_signature_stays_as_it_is() -> None:
    workflow = call("a") | group(call("b"), call("c")) | call("d")
    before = json.dumps(workflow)

    plan(workflow, (1,), link=call("e"), queue="q")

    assert json.dumps(workflow) == before


def test_each_publication_has_ids_of_its_own() -> None:
    workflow = group(call("a"), call("a"))

    ids = [one.options["task_id"] for _ in range(2) for one in plan(workflow).calls]

    assert len(set(ids)) == 4


def test_one_signature_at_several_places_is_several_calls() -> None:
    one = call("a")

    steps = chain(one, one, one)
    steps.freeze()
    (first,) = plan(steps).calls

    ids = {first.options["task_id"], *(step["options"]["task_id"] for step in first.options["chain"])}
    assert len(ids) == 3


def test_a_plan_of_a_signature_from_a_message_is_the_same_each_time() -> None:
    workflow = chord([call("a"), call("b") | group(call("c"), call("d"))], group(call("e"), call("f")))
    message = json.loads(json.dumps(workflow))

    one, other = (plan(signature(message), ("x",), new_id=numbered()) for _ in range(2))

    assert one.calls == other.calls
    assert one.chords == other.chords


def test_what_waits_keeps_the_ids_it_has_in_the_message() -> None:
    (first,) = plan(call("a") | group(call("b"), call("c")) | call("d")).calls
    (step,) = json.loads(json.dumps(first.options["chain"]))

    planned = plan(signature(step), ("result",))

    members = step["kwargs"]["header"]["kwargs"]["tasks"]
    assert [one.options["task_id"] for one in planned.calls] == [one["options"]["task_id"] for one in members]
    assert planned.result is not None
    assert planned.result.id == step["kwargs"]["body"]["options"]["task_id"]
    assert planned.chords == [ChordStart(step["options"]["task_id"], 2)]


def test_members_of_groups_in_groups_keep_their_order() -> None:
    nested = group(call("a"), group(call("b"), call("c")), call("d"))

    for workflow in (nested, chord(nested.tasks, call("e"))):
        planned = plan(workflow)
        assert names(planned) == ["a", "b", "c", "d"]
        assert [one.options["group_index"] for one in planned.calls] == [0, 1, 2, 3]


def test_members_of_a_header_carry_the_body_and_their_place() -> None:
    planned = plan(chord([call("a"), call("b")], call("c")), new_id=numbered())

    (start,) = planned.chords
    assert start.size == 2
    for index, member in enumerate(planned.calls):
        assert member.options["group_id"] == start.group_id
        assert member.options["group_index"] == index
        assert member.options["chord"]["task"] == "c"
    body = planned.calls[0].options["chord"]
    assert body is planned.calls[1].options["chord"]
    assert isinstance(planned.started, GroupResult)
    assert planned.result is not None
    assert (planned.result.id, planned.result.parent) == (body["options"]["task_id"], planned.started)


@pytest.mark.parametrize("body", [call("c") | call("d"), group(call("c"), call("d"))])
def test_the_parent_of_a_chord_is_its_header_whatever_its_body_is(body: Signature[Any]) -> None:
    planned = plan(chord([call("a"), call("b")], body))

    assert isinstance(planned.started, GroupResult)
    assert planned.result is not None
    assert planned.result.parent is planned.started


def test_in_a_chain_each_parent_is_the_step_before() -> None:
    result = plan(chain(call("a"), group(call("b"), call("c")), call("d"), call("e"))).result

    assert result is not None
    assert [isinstance(one, GroupResult) for one in result.line()] == [False, False, True, False]


def test_a_header_with_groups_is_saved() -> None:
    planned = plan(chord([call("a"), call("b") | group(call("c"), call("d"))], call("e")))

    (start,) = planned.chords
    assert start.size == 3
    assert planned.groups == {start.group_id: planned.started.as_tuple()}  # type: ignore[union-attr]


def test_the_last_step_of_a_member_tells_its_end() -> None:
    first, second = plan(chord([call("a") | call("b"), call("c")], call("d"))).calls

    assert "chord" not in first.options
    (last,) = first.options["chain"]
    assert last["options"]["chord"]["task"] == "d"
    assert (last["options"]["group_index"], second.options["group_index"]) == (0, 1)


def test_an_empty_header_publishes_the_body() -> None:
    planned = plan(chord([], call("a", 2)))

    (only,) = planned.calls
    assert (only.task, only.args, planned.chords) == ("a", ([], 2), [])


def test_what_follows_a_chord_with_a_group_for_a_body_runs_once() -> None:
    workflow = chain([chord([call("a")], group(call("b"), call("c"))), call("d")], task_id=None)

    (member,) = plan(workflow).calls

    body = member.options["chord"]
    assert body["subtask_type"] == "chord"
    assert body["kwargs"]["body"]["task"] == "d"


def test_chunks_in_a_chain_are_its_group() -> None:
    planned = plan(chain(call("a"), chunks(call("b"), [(1,), (2,)], 1), call("c")))

    (step,) = planned.calls[0].options["chain"]
    members = step["kwargs"]["header"]["kwargs"]["tasks"]
    assert [member["task"] for member in members] == ["celery.starmap"] * 2
    assert [member["kwargs"]["it"] for member in members] == [[(1,)], [(2,)]]


def test_a_delay_is_for_what_starts() -> None:
    header = plan(chord([call("a"), call("b")], call("c")), countdown=5).calls
    assert [one.options["countdown"] for one in header] == [5, 5]
    assert "countdown" not in header[0].options["chord"]["options"]

    (first,) = plan(call("a") | call("b"), countdown=5).calls
    assert first.options["countdown"] == 5
    assert "countdown" not in first.options["chain"][0]["options"]


def test_an_errback_of_a_chain_is_every_steps_and_its_callback_the_lasts() -> None:
    (first,) = plan(call("a") | call("b"), link=call("called"), link_error=call("erred")).calls

    (last,) = first.options["chain"]
    assert [one["task"] for one in first.options["link_error"]] == ["erred"]
    assert "link" not in first.options
    assert [one["task"] for one in last["options"]["link"]] == ["called"]
    assert [one["task"] for one in last["options"]["link_error"]] == ["erred"]


def test_the_task_id_of_a_chain_is_its_last_steps() -> None:
    planned = plan(call("a") | call("b"), task_id="mine")

    assert planned.result is not None
    assert planned.result.id == "mine"


def test_a_step_in_the_middle_inherits_what_it_continues() -> None:
    rest = [json.loads(json.dumps(call("z", task_id="z")))]

    (only,) = plan(call("a") | call("b"), chain=rest, root_id="root", parent_id="parent").calls

    assert [step["task"] for step in only.options["chain"]] == ["z", "b"]
    assert (only.options["root_id"], only.options["parent_id"]) == ("root", "parent")


def test_an_empty_chain_publishes_nothing() -> None:
    assert plan(chain()) == Plan([], [], {}, None, None)


def test_an_empty_group_is_an_empty_result() -> None:
    planned = plan(group())

    assert planned.calls == []
    assert isinstance(planned.result, GroupResult)
    assert list(planned.result.results) == []


def test_a_chord_without_a_body_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="needs a body"):
        plan(chord([call("a")]))


def test_an_empty_chain_can_be_no_body() -> None:
    with pytest.raises(ConfigurationError, match="empty chain"):
        plan(chord([call("a")], chain()))


def test_the_work_grows_with_the_workflow_and_not_faster() -> None:
    def written(sections: int) -> int:
        parts = [part for _ in range(sections) for part in (group(call("a"), call("b")), call("c"))]
        return len(json.dumps(plan(chain(call("first"), *parts)).calls))

    assert written(40) < 2.1 * written(20)


def test_the_members_of_a_waiting_group_do_not_carry_the_body_each() -> None:
    def written(body: Signature[Any]) -> int:
        members = group(call("b", index) for index in range(100))
        return len(json.dumps(plan(chord([call("a") | members], body)).calls))

    assert written(call("c", "x" * 1000)) - written(call("c")) < 3000


def test_publishing_hands_the_plan_to_the_application() -> None:
    app = Notebook()
    workflow = group(signature("a", app=app), signature("b", app=app))

    result = workflow(1, on_commit=False)
    (body,) = [(workflow | signature("c", app=app)).delay()]
    last = (signature("a", app=app) | signature("b", app=app))(2)

    first, second, third = (planned for planned, _ in app.plans)
    assert (first.result, second.result, third.result) == (result, body, last)
    assert [one.args for one in first.calls] == [(1,), (1,)]
    assert app.plans[0][1] == {"on_commit": False}


def test_a_group_has_no_callbacks() -> None:
    with pytest.raises(TypeError, match="no callbacks"):
        group(call("a")).apply_async(link=call("b"))
