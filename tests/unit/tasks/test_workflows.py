"""How workflows get into the broker: what is begun first, what is sent together, what is refused."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from sedano import GroupResult, Sedano, Task, chain, chord, group
from sedano.brokers.publication import Publication
from sedano.canvas.plan import plan
from sedano.errors import BrokerUnavailable, ConfigurationError, InvalidArguments, NotSerializable
from sedano.message.decoding import decode
from sedano.message.task_message import TaskMessage
from sedano.results.group_store import ChordPart
from sedano.tasks import workflows
from sedano.tasks.batches import MOST_MESSAGES
from sedano.tasks.request import Context, current_request
from sedano.testing.clock import ManualClock

Add = Task[[int, int], int]
Messages = Callable[..., list[TaskMessage]]


@pytest.fixture
def total(app: Sedano) -> Task[..., Any]:
    @app.task(name="proj.total")
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    return total


@pytest.fixture
def running(app: Sedano, add: Add) -> Iterator[Context]:
    """A task of a worker's runs here."""
    request = Context(id="parent", root_id="root", called_directly=False, task_object=add, args=(), kwargs={})
    token = current_request.set(request)
    yield request
    current_request.reset(token)


@pytest.fixture
def round_trips(app: Sedano, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many messages went into the broker, each time."""
    broker, counted = app.broker, []
    publish = broker.publish

    def counting(publications: list[Publication]) -> None:
        publish(publications)
        counted.append(len(publications))

    monkeypatch.setattr(broker, "publish", counting)
    return counted


@pytest.fixture
def begun(app: Sedano, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The chords that the result store has been told of."""
    assert app.results is not None
    groups, ids = app.results.groups, []
    begin_chord = groups.begin_chord

    def noting(group_id: str, size: int, *, expires_at: float | None) -> None:
        begin_chord(group_id, size, expires_at=expires_at)
        ids.append(group_id)

    monkeypatch.setattr(groups, "begin_chord", noting)
    return ids


def completes(app: Sedano, chord_id: str, *members: str) -> bool:
    """Whether a chord is complete when these members have ended."""
    assert app.results is not None
    parts = [ChordPart(chord_id, member, n, b"[1,1,1,1]") for n, member in enumerate(members)]
    return app.results.groups.add_parts(parts)[-1]


def test_the_members_of_a_group_are_sent_together(add: Add, round_trips: list[int]) -> None:
    group(add.s(n, n) for n in range(MOST_MESSAGES + 1)).apply_async()

    assert round_trips == [MOST_MESSAGES, 1]


def test_a_group_gives_the_results_of_its_members_in_order(app: Sedano, add: Add, messages: Messages) -> None:
    result = group(add.s(n, n) for n in range(3))()

    published = messages()
    assert isinstance(result, GroupResult)
    assert [message.id for message in published] == [member.id for member in result.results]
    assert [(message.group, message.group_index) for message in published] == [
        (result.id, n) for n in range(3)
    ]


def test_the_first_step_of_a_chain_carries_the_others(add: Add, messages: Messages) -> None:
    result = chain(add.s(1, 2), add.s(3), add.s(4)).apply_async()

    (message,) = messages()
    assert message.args == [1, 2]
    assert [step["args"] for step in message.chain or ()] == [[4], [3]]
    assert (message.chain or [{}])[0]["options"]["task_id"] == result.id


def test_a_chord_has_begun_when_its_header_is_published(
    app: Sedano, add: Add, total: Task[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    complete: list[bool] = []

    def look(publications: list[Publication]) -> None:
        members = [decode(one.envelope, accept={"json"}) for one in publications]
        complete.append(completes(app, members[0].group or "", *(member.id for member in members)))

    monkeypatch.setattr(app.broker, "publish", look)

    chord([add.s(1, 1), add.s(2, 2)], total.s()).apply_async()

    assert complete == [True]


def test_the_members_of_a_header_carry_the_body(add: Add, total: Task[..., Any], messages: Messages) -> None:
    result = chord([add.s(1, 1), add.s(2, 2)], total.s())()

    bodies = [message.chord or {} for message in messages()]
    assert [body["task"] for body in bodies] == ["proj.total", "proj.total"]
    assert [body["options"]["task_id"] for body in bodies] == [result.id, result.id]


def test_a_header_with_a_group_in_it_is_saved(app: Sedano, add: Add, total: Task[..., Any]) -> None:
    nested = chain(add.s(1, 1), group(add.s(1), add.s(2)))
    result = chord([nested, add.s(2, 2)], total.s())()

    saved = app.GroupResult.restore(result.parent.id)
    assert saved is not None
    assert saved.as_tuple() == result.parent.as_tuple()


def test_a_chord_without_a_result_store_is_refused_before_anything_is_published(clock: ManualClock) -> None:
    with Sedano("proj", broker="memory://", backend="disabled", set_as_current=False, clock=clock) as app:

        @app.task
        def ping(*args: object) -> None: ...

        with pytest.raises(ConfigurationError, match="A chord needs a result store"):
            chord([ping.s(), ping.s()], ping.s()).apply_async()

        assert app.broker.admin.queues() == []


def test_arguments_that_do_not_fit_are_refused_before_anything_is_published(
    add: Add, messages: Messages
) -> None:
    with pytest.raises(InvalidArguments, match=r"proj\.add"):
        group([*(add.s(n, n) for n in range(MOST_MESSAGES)), add.s(1, 2, 3)]).apply_async()

    assert messages() == []


def test_arguments_that_cannot_be_written_begin_no_chord(
    app: Sedano,
    add: Add,
    total: Task[..., Any],
    messages: Messages,
    begun: list[str],
) -> None:
    with pytest.raises(NotSerializable):
        chord([add.s(1, object()), add.s(2, 2)], total.s()).apply_async()

    assert (messages(), begun) == ([], [])


def test_what_went_before_a_failure_is_told(app: Sedano, add: Add, monkeypatch: pytest.MonkeyPatch) -> None:
    app.conf.task_publish_retry = False
    publish = app.broker.publish

    def once(publications: list[Publication]) -> None:
        monkeypatch.setattr(app.broker, "publish", away)
        publish(publications)

    def away(publications: list[Publication]) -> None:
        raise BrokerUnavailable("memory", "away")

    monkeypatch.setattr(app.broker, "publish", once)

    with pytest.raises(BrokerUnavailable) as caught:
        group(add.s(n, n) for n in range(MOST_MESSAGES + 1)).apply_async()

    assert len(caught.value.published) == MOST_MESSAGES


def test_all_of_a_workflow_waits_for_the_commit(
    app: Sedano, add: Add, total: Task[..., Any], messages: Messages, begun: list[str]
) -> None:
    waiting: list[Callable[[], None]] = []
    app.publisher.gate = waiting.append
    chord_id = chord([add.s(1, 1), add.s(2, 2)], total.s()).apply_async().parent.id

    assert (messages(), begun) == ([], [])
    for send in waiting:
        send()
    assert (len(messages()), begun) == (2, [chord_id])


def test_a_workflow_need_not_wait_for_the_commit(app: Sedano, add: Add, messages: Messages) -> None:
    app.publisher.gate = lambda send: None

    group(add.s(1, 1), add.s(2, 2)).apply_async(on_commit=False)

    assert len(messages()) == 2


def test_a_group_is_one_child_of_the_running_task(add: Add, running: Context) -> None:
    result = group(add.s(1, 1), add.s(2, 2)).apply_async()

    assert running.children == [result]


def test_a_chain_s_first_step_is_the_child_of_the_running_task(add: Add, running: Context) -> None:
    result = chain(add.s(1, 1), add.s(2)).apply_async()

    assert running.children == [result.parent]


def test_children_know_their_parent_and_their_root(add: Add, running: Context, messages: Messages) -> None:
    group(add.s(1, 1), add.s(2, 2)).apply_async()

    assert {(message.parent_id, message.root_id) for message in messages()} == {("parent", "root")}


def test_what_follows_a_task_is_not_published_but_given(
    app: Sedano, add: Add, total: Task[..., Any], messages: Messages, running: Context
) -> None:
    planned = plan(chord([add.s(1, 1), add.s(2, 2)], total.s()))

    publications = workflows.follow_ups(app, planned)

    assert messages() == []
    assert [one.task for one in publications] == ["proj.add", "proj.add"]
    assert completes(app, planned.chords[0].group_id, *(one.task_id for one in publications))
    assert running.children == [planned.started]


class Tenanted(Task[..., Any]):
    """A class of tasks that says itself how its calls are published."""

    def apply_async(self, args: Any = None, kwargs: Mapping[str, Any] | None = None, **options: Any) -> Any:
        return super().apply_async(args, kwargs, **{**options, "headers": {"tenant": "acme"}})


def test_a_class_of_the_users_has_the_last_word_on_its_calls_in_workflows(
    app: Sedano, total: Task[..., Any], messages: Messages, round_trips: list[int]
) -> None:
    @app.task(base=Tenanted)
    def bill(x: int) -> int:
        return x

    result = chord([bill.s(1), bill.s(2)], total.s())()

    published = messages()
    assert [message.headers for message in published] == [{"tenant": "acme"}, {"tenant": "acme"}]
    assert [message.id for message in published] == [one.id for one in result.parent.results]
    assert round_trips == [2]


def test_a_class_of_the_users_has_the_last_word_on_what_follows(app: Sedano, running: Context) -> None:
    @app.task(base=Tenanted)
    def bill(x: int) -> int:
        return x

    (publication,) = workflows.follow_ups(app, plan(bill.s(1)))

    assert b'"tenant":' in publication.envelope.headers
    assert app.broker.admin.queues() == []
