"""Which chords a message's end counts in."""

from typing import Any

from sedano.canvas import chord, group, signature
from sedano.canvas.plan import plan
from sedano.execution.membership import memberships
from sedano.tasks.request import Context


def call(name: str) -> Any:
    return signature(name)


def test_members_of_a_later_group_count_though_only_the_group_names_the_body() -> None:
    later = group(call("b"), call("c") | call("d"), chord([call("e")], call("f")))
    planned = plan(chord([call("a") | later], call("body")))
    (first,) = planned.calls
    (waiting,) = first.options["chain"]

    found = list(memberships(Context(id=first.options["task_id"], chain=[waiting])))

    tasks = waiting["kwargs"]["tasks"]
    last = [tasks[0], tasks[1]["kwargs"]["tasks"][-1], tasks[2]["kwargs"]["body"]]
    assert [one.task_id for one in found] == [one["options"]["task_id"] for one in last]
    assert {one.group_id for one in found} == {planned.chords[0].group_id}
    assert [one.place for one in found] == [0, 1, 2]
    assert {one.body["task"] for one in found} == {"body"}
