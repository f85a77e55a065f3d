"""Signatures and workflows that coroutines publish are those that the synchronous calls publish."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from sedano import Sedano, Task, chain, chord, group
from sedano.brokers.admin import StoredMessage
from sedano.errors import ConfigurationError
from sedano.message.decoding import decode
from sedano.message.task_message import TaskMessage
from sedano.results.group_result import GroupResult
from sedano.results.group_store import ChordPart
from sedano.tasks.request import Context

Add = Task[..., int]


@pytest.fixture
def add(app: Sedano) -> Add:
    @app.task(name="proj.add")
    def add(x: int, y: int = 0) -> int:
        return x + y

    return add


def stored(app: Sedano) -> list[StoredMessage]:
    return app.broker.admin.peek("celery", limit=10_000)


def messages(app: Sedano) -> list[TaskMessage]:
    return [decode(one.envelope, accept={"json"}) for one in stored(app)]


def completes(app: Sedano, group_id: str, *members: str) -> bool:
    """Whether the chord is complete by the ends of these."""
    assert app.results is not None
    parts = [ChordPart(group_id, member, None, b"[1,1,1,1]") for member in members]
    return app.results.groups.add_parts(parts)[-1]


def test_a_signature_is_published(app: Sedano, add: Add) -> None:
    result = asyncio.run(add.s(2, 2).set(queue="maths").aapply_async())
    named = asyncio.run(app.signature("other.task", args=(1,)).adelay())

    (maths,) = app.broker.admin.peek("maths")
    assert (maths.task_id, [one.task_id for one in stored(app)]) == (result.id, [named.id])


def test_a_chain_is_published(app: Sedano, add: Add) -> None:
    result = asyncio.run(chain(add.s(2, 2), add.s(4)).aapply_async())

    (message,) = messages(app)
    assert message.id == result.parent.id
    assert [step["options"]["task_id"] for step in message.chain or ()] == [result.id]


def test_a_group_is_published(app: Sedano, add: Add) -> None:
    result = asyncio.run(group(add.s(n, n) for n in range(600)).adelay())

    assert isinstance(result, GroupResult)
    assert {one.task_id for one in stored(app)} == {member.id for member in result}
    assert len(result) == 600


def test_a_chord_is_begun_before_its_header_is_published(app: Sedano, add: Add) -> None:
    result = asyncio.run(chord([add.s(1, 1), add.s(2, 2)], add.s()).aapply_async())

    members = [one.task_id for one in stored(app)]
    assert members == [member.id for member in result.parent]
    assert not completes(app, result.parent.id, members[0])
    assert completes(app, result.parent.id, members[1])


def test_a_chord_of_groups_saves_its_header(app: Sedano, add: Add) -> None:
    header = [chain(add.s(1), group(add.s(2), add.s(3))), add.s(1)]

    result = asyncio.run(chord(header, add.s()).aapply_async())

    assert app.GroupResult.restore(result.parent.id) == result.parent


def test_chunks_and_maps_are_published(app: Sedano, add: Add) -> None:
    async def main() -> tuple[Any, Any]:
        parts = await add.chunks([(n, n) for n in range(6)], 2).aapply_async()
        return parts, await add.starmap([(1, 1), (2, 2)]).aapply_async()

    parts, mapped = asyncio.run(main())

    assert len(parts) == 3
    assert {one.task_id for one in stored(app)} == {mapped.id, *(part.id for part in parts)}


def test_a_group_takes_no_callbacks(add: Add) -> None:
    with pytest.raises(TypeError, match="a group has no callbacks"):
        asyncio.run(group(add.s(1, 1)).aapply_async(link=add.s(1)))


def test_a_chord_needs_a_result_store(app: Sedano, add: Add) -> None:
    app.conf.result_backend = "disabled"

    with pytest.raises(ConfigurationError, match="A chord needs a result store"):
        asyncio.run(chord([add.s(1, 1)], add.s()).aapply_async())


def test_all_of_a_workflow_waits_for_the_gate(app: Sedano, add: Add) -> None:
    waiting: list[Callable[[], None]] = []
    app.publisher.gate = waiting.append

    result = asyncio.run(chord([add.s(1, 1), add.s(2, 2)], add.s()).aapply_async())
    before = stored(app)
    for send in waiting:
        send()

    members = [one.task_id for one in stored(app)]
    assert (before, len(members)) == ([], 2)
    assert completes(app, result.parent.id, *members)


def test_a_workflow_is_one_child_of_the_running_task(add: Add, running: Context) -> None:
    result = asyncio.run(group(add.s(1, 1), add.s(2, 2)).aapply_async())

    assert running.children == [result]
