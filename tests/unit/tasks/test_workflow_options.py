"""The options of a call that give it a place in a workflow, and what becomes of them in the message."""

from collections.abc import Callable
from typing import Any

import pytest

from sedano import Sedano, Task
from sedano.errors import ConfigurationError
from sedano.message.task_message import TaskMessage

Add = Task[[int, int], int]
Messages = Callable[..., list[TaskMessage]]

#: A signature as it stands in a message.
STEP: dict[str, Any] = {
    "task": "proj.add",
    "args": [1],
    "kwargs": {},
    "options": {"task_id": "step"},
    "subtask_type": None,
    "immutable": False,
}


def test_callbacks_and_errbacks_travel_in_the_message(add: Add, messages: Messages) -> None:
    add.apply_async((1, 2), link=STEP, link_error=[STEP, {**STEP, "args": [2]}])

    (message,) = messages()
    assert message.callbacks == [STEP]
    assert message.errbacks == [STEP, {**STEP, "args": [2]}]


def test_a_signature_object_is_a_callback(add: Add, messages: Messages) -> None:
    add.apply_async((1, 2), link=add.s(10))

    (message,) = messages()
    assert message.callbacks is not None
    assert [(sig["task"], sig["args"]) for sig in message.callbacks] == [("proj.add", [10])]


def test_a_message_holds_dictionaries_whatever_writes_it(add: Add, stored: Callable[..., Any]) -> None:
    add.apply_async((1, 2), link=add.s(10) | add.s(20), serializer="pickle")

    body = stored()[0].envelope.body
    assert b"sedano.canvas" not in body


def test_a_place_in_a_chain_and_in_a_chord_travels_in_the_message(add: Add, messages: Messages) -> None:
    add.apply_async((1, 2), chain=[STEP], chord=STEP, group_id="g", group_index=3, replaced_task_nesting=1)

    (message,) = messages()
    assert (message.chain, message.chord) == ([STEP], STEP)
    assert (message.group, message.group_index, message.replaced_task_nesting) == ("g", 3, 1)


def test_a_call_without_them_carries_none(add: Add, messages: Messages) -> None:
    add.apply_async((1, 2), link=None, link_error=[], chain=[], chord=None, stamped_headers=None)

    (message,) = messages()
    assert (message.callbacks, message.errbacks, message.chain, message.chord) == (None,) * 4
    assert (message.stamped_headers, message.stamps) == (None, {})


def test_stamps_are_the_options_that_stamped_headers_names(add: Add, messages: Messages) -> None:
    add.apply_async((1, 2), stamped_headers=["tenant", "trace"], tenant="acme", trace=[1, 2])  # type: ignore[call-arg]

    (message,) = messages()
    assert message.stamped_headers == ["tenant", "trace"]
    assert message.stamps == {"tenant": "acme", "trace": [1, 2]}


def test_a_call_by_name_takes_them_too(app: Sedano, messages: Messages) -> None:
    app.send_task("far.away", link=STEP, group_id="g")

    (message,) = messages()
    assert (message.callbacks, message.group) == ([STEP], "g")


def test_many_calls_share_their_callbacks(add: Add, messages: Messages) -> None:
    add.publish_many([(1, 2), (3, 4)], link=STEP)

    assert [message.callbacks for message in messages()] == [[STEP], [STEP]]


def test_many_calls_cannot_share_a_place_in_a_chord(add: Add) -> None:
    with pytest.raises(ConfigurationError, match="chord: calls that are published together cannot share"):
        add.publish_many([(1, 2)], chord=STEP)  # type: ignore[call-arg]


def test_routes_can_go_by_another_name(app: Sedano, add: Add, messages: Messages) -> None:
    app.conf.task_routes = {"media.*": {"queue": "media"}}

    add.apply_async((1, 2), route_name="media.encode")

    assert len(messages("media")) == 1


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"link": "proj.add"}, "link: expected a signature or a list of them"),
        ({"link_error": [{"args": [1]}]}, "link_error: expected a signature such as"),
        ({"chain": 5}, "chain: expected a signature"),
        ({"chord": "body"}, "chord: expected a signature such as"),
        ({"group_index": "first"}, "group_index: expected an integer"),
        ({"group_id": 5}, "group_id: expected a text"),
        ({"stamped_headers": "tenant"}, "stamped_headers: expected a list of names"),
        ({"stamped_headers": ["tenant"]}, "stamped_headers: names 'tenant', which the call does not give"),
        ({"tenant": "acme"}, "tenant: no such option of a call"),
    ],
)
def test_what_is_no_signature_is_refused(add: Add, options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        add.apply_async((1, 2), **options)
