"""What ``publish_many`` puts into the broker, and what it leaves out when something goes wrong."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sedano import Sedano, Task, signals
from sedano.errors import ConfigurationError, InvalidArguments, MessageTooLarge, NotSerializable
from sedano.message.task_message import TaskMessage
from sedano.tasks.batches import MOST_BYTES, MOST_MESSAGES

Add = Task[[int, int], int]


@pytest.fixture
def waiting(app: Sedano) -> Callable[[], int]:
    return lambda: app.broker.admin.depth("celery").ready


def test_the_calls_are_published_in_order_and_their_results_given_in_order(
    app: Sedano, add: Add, messages: Callable[..., list[TaskMessage]]
) -> None:
    results = add.publish_many((number, number) for number in range(3))

    published = messages()
    assert [message.id for message in published] == [result.id for result in results]
    assert [message.args for message in published] == [[0, 0], [1, 1], [2, 2]]
    assert len({result.id for result in results}) == 3


def test_arguments_are_given_by_place_by_name_or_both(
    add: Add, messages: Callable[..., list[TaskMessage]]
) -> None:
    add.publish_many([(1, 2), [3, 4], {"x": 5}, add.arguments(6, y=7)])

    assert [(message.args, message.kwargs) for message in messages()] == [
        ([1, 2], {}),
        ([3, 4], {}),
        ([], {"x": 5}),
        ([6], {"y": 7}),
    ]


def test_no_calls_are_no_messages(add: Add, waiting: Callable[[], int]) -> None:
    assert add.publish_many([]) == []
    assert waiting() == 0


def test_all_calls_share_the_options(
    app: Sedano, add: Add, messages: Callable[..., list[TaskMessage]]
) -> None:
    results = add.publish_many([(1,), (2,)], queue="maths", countdown=10, ignore_result=True)

    assert [(message.ignore_result, message.eta is not None) for message in messages("maths")] == [
        (True, True),
        (True, True),
    ]
    assert app.broker.admin.depth("maths").scheduled == 2
    assert [result.get(timeout=0) for result in results] == [None, None]


def test_calls_cannot_share_an_id(add: Add) -> None:
    with pytest.raises(ConfigurationError, match="task_id: calls that are published together"):
        add.publish_many([(1,), (2,)], task_id="a")  # type: ignore[call-arg]


@pytest.mark.parametrize("call", [1, "ab", None])
def test_what_holds_no_arguments_is_refused(add: Add, call: Any, waiting: Callable[[], int]) -> None:
    with pytest.raises(InvalidArguments, match=r"each call is a tuple .* For one argument write") as caught:
        add.publish_many([(1,), call])

    assert caught.value.__notes__ == ["This is call number 2.", "Published before this: 0 calls."]
    assert waiting() == 0


def test_calls_are_taken_no_faster_than_they_are_published(add: Add, waiting: Callable[[], int]) -> None:
    seen: list[int] = []

    def calls() -> Iterator[tuple[int, int]]:
        for number in range(2 * MOST_MESSAGES + 1):
            seen.append(waiting())
            yield number, 0

    results = add.publish_many(calls())

    batch = MOST_MESSAGES
    assert seen == [0] * batch + [batch] * batch + [2 * batch]
    assert waiting() == len(results) == 2 * batch + 1


def test_a_batch_of_long_messages_is_cut_short(app: Sedano, waiting: Callable[[], int]) -> None:
    @app.task(name="proj.store")
    def store(text: str) -> None: ...

    text = "x" * (MOST_BYTES // 4)
    seen: list[int] = []

    def calls() -> Iterator[tuple[str]]:
        for _ in range(6):
            seen.append(waiting())
            yield (text,)

    app.conf.task_max_message_size = 2 * MOST_BYTES
    store.publish_many(calls())

    assert seen == [0, 0, 0, 0, 4, 4]


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ((1, 2, 3), InvalidArguments),
        ((object(),), NotSerializable),
        (("x" * 1_000_000,), MessageTooLarge),
    ],
)
def test_a_wrong_call_keeps_its_batch_from_being_published(
    app: Sedano, add: Add, waiting: Callable[[], int], wrong: Any, error: type[Exception]
) -> None:
    app.conf.task_max_message_size = 100_000
    calls = [(number,) for number in range(MOST_MESSAGES + 10)]

    with pytest.raises(error) as caught:
        add.publish_many([*calls, wrong, *calls])

    assert waiting() == MOST_MESSAGES
    assert isinstance(caught.value, InvalidArguments | NotSerializable | MessageTooLarge)
    assert [m.task_id for m in app.broker.admin.peek("celery", limit=1000)] == list(caught.value.published)
    assert caught.value.__notes__ == ["This is call number 511.", "Published before this: 500 calls."]


def test_an_error_of_the_iterator_says_how_many_calls_were_published(
    add: Add, waiting: Callable[[], int]
) -> None:
    def calls() -> Iterator[tuple[int]]:
        for number in range(MOST_MESSAGES + 1):
            yield (number,)
        raise LookupError("no more rows")

    with pytest.raises(LookupError) as caught:
        add.publish_many(calls())

    assert waiting() == MOST_MESSAGES
    assert caught.value.__notes__ == ["Published before this: 500 calls."]


def test_the_signals_are_sent_for_each_message(add: Add) -> None:
    heard: list[tuple[str, Any]] = []

    def before(headers: dict[str, Any], **_: Any) -> None:
        heard.append(("before", headers["id"]))

    def after(headers: dict[str, Any], **_: Any) -> None:
        heard.append(("after", headers["id"]))

    signals.before_task_publish.connect(before)
    signals.after_task_publish.connect(after)
    try:
        results = add.publish_many([(1,), (2,)])
    finally:
        signals.before_task_publish.disconnect(before)
        signals.after_task_publish.disconnect(after)

    ids = [result.id for result in results]
    assert heard == [("before", ids[0]), ("before", ids[1]), ("after", ids[0]), ("after", ids[1])]


def test_the_gate_decides_when_batches_are_sent(app: Sedano, add: Add, waiting: Callable[[], int]) -> None:
    sends: list[Callable[[], None]] = []
    app.publisher.gate = sends.append

    results = add.publish_many((number,) for number in range(MOST_MESSAGES + 1))
    before = waiting()
    for send in sends:
        send()

    assert (before, waiting(), len(sends)) == (0, len(results), 2)


def test_a_wrong_call_takes_back_the_batches_that_wait_for_the_gate(
    app: Sedano, add: Add, waiting: Callable[[], int]
) -> None:
    sends: list[Callable[[], None]] = []
    app.publisher.gate = sends.append
    calls: list[tuple[int, ...]] = [(number,) for number in range(MOST_MESSAGES)]

    with pytest.raises(InvalidArguments) as caught:
        add.publish_many([*calls, (1, 2, 3)])
    for send in sends:
        send()

    assert (caught.value.published, waiting(), len(sends)) == ((), 0, 1)


def test_eager_calls_run_here_once_all_of_a_batch_have_been_checked(app: Sedano) -> None:
    app.conf.task_always_eager = True
    ran: list[int] = []

    @app.task(name="proj.note")
    def note(number: int) -> int:
        ran.append(number)
        return number

    results = note.publish_many([(1,), {"number": 2}])
    with pytest.raises(InvalidArguments):
        note.publish_many([(3,), ()])

    assert [result.get() for result in results] == [1, 2]
    assert ran == [1, 2]
