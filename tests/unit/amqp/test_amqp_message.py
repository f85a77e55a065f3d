"""A publication becomes an AMQP message and comes back as it was."""

from typing import Any

import amqp
import msgspec
import pytest
from amqp.spec import Basic
from hypothesis import given
from hypothesis import strategies as st

from sedano.amqp.frames import Received
from sedano.brokers.amqp.message import DEAD, PARKED, decode, encode, restamped, stamp_of
from sedano.brokers.delivery import Delivery
from sedano.brokers.publication import Publication
from sedano.errors import MessageTooLarge
from sedano.message.envelope import Envelope

NOW = 1_800_000_000.25


def arrived(message: amqp.Message) -> amqp.Message:
    """The message as its receiver has it."""
    received = Received(Basic.Deliver, b"")
    size = len(message.body).to_bytes(8, "big")
    received.inbound_header(b"\x00\x3c\x00\x00" + size + message._serialize_properties())
    received.inbound_body(message.body)
    return received


def delivered(publication: Publication) -> Delivery:
    message = arrived(encode(publication, NOW))
    return decode(message, tag=1, queue=publication.queue, now=NOW + 99)


def task(headers: dict[str, Any], **properties: Any) -> Publication:
    full = {"task": "tests.add", "id": "1", **headers}
    envelope = Envelope(msgspec.json.encode(full), b"[[1,2],{},null]", **properties)
    return Publication("1", "tests.add", "celery", envelope, properties.get("priority", 0))


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(texts, json_values, max_size=5))
def test_headers_say_the_same_when_they_arrive(headers: dict[str, Any]) -> None:
    ours = ("sedano", PARKED, DEAD, "task", "id")
    publication = task({
        name: value for name, value in headers.items() if name not in ours and not name.startswith("x-")
    })  # fmt: skip

    delivery = delivered(publication)

    assert msgspec.json.decode(delivery.envelope.headers) == msgspec.json.decode(publication.envelope.headers)
    assert (delivery.task_id, delivery.task) == ("1", "tests.add")


def test_what_celery_makes_of_a_message_of_ours_is_celerys() -> None:
    ours = arrived(restamped(arrived(encode(task({}), NOW)), crashes=3, now=NOW))
    # A retry by Celery's worker: unknown headers are copied, properties are not.
    headers = {**ours.properties["application_headers"], "retries": 1}
    theirs = arrived(amqp.Message(ours.body, application_headers=headers, content_type="application/json"))

    delivery = decode(theirs, tag=1, queue="celery", now=NOW + 99)

    assert (delivery.crashes, delivery.ready_since) == (0, NOW + 99)
    assert msgspec.json.decode(delivery.envelope.headers) == {"task": "tests.add", "id": "1", "retries": 1}


@given(st.binary(max_size=50), st.binary(max_size=50))
def test_headers_that_are_none_arrive_byte_by_byte(headers: bytes, body: bytes) -> None:
    text = headers.decode("latin-1").encode()
    envelope = Envelope(text, body)

    delivery = delivered(Publication("1", "tests.add", "celery", envelope))

    if not text.startswith(b"{"):
        assert delivery.envelope == envelope
    assert (delivery.task_id, delivery.task) == ("1", "tests.add")


def test_the_table_is_read_only_where_the_first_header_does_not_say_all() -> None:
    message = arrived(encode(task({"eta": None}), NOW))
    head = message.properties["application_headers"]

    decode(message, tag=1, queue="celery", now=NOW)
    assert not head.is_read

    # The server puts its own headers in front.
    behind = arrived(amqp.Message(b"", application_headers={"x-death": [], **head}, app_id="sedano"))
    assert decode(behind, tag=1, queue="celery", now=NOW).task == "tests.add"
    assert behind.properties["application_headers"].is_read


def test_large_headers_are_said_once() -> None:
    publication = task({"x": "y" * 100_000})

    assert delivered(publication).envelope == publication.envelope


def test_the_properties_are_celerys() -> None:
    publication = task(
        {}, correlation_id="1", reply_to="me", priority=4, delivery_mode=1, content_type="application/x-yaml"
    )

    properties = encode(publication, NOW).properties

    assert (properties["correlation_id"], properties["reply_to"]) == ("1", "me")
    assert (properties["priority"], properties["delivery_mode"]) == (4, 1)
    assert (properties["content_type"], properties["content_encoding"]) == ("application/x-yaml", "utf-8")
    assert delivered(publication).envelope == publication.envelope


def test_the_server_is_not_told_when_a_call_is_void() -> None:
    publication = task({"expires": "2030-01-01T00:00:00+00:00"}, expiration="1000")

    assert "expiration" not in encode(publication, NOW).properties
    assert delivered(publication).envelope.expiration == "1000"


@pytest.mark.parametrize("priority", [-1, 256, 1000])
def test_a_priority_that_amqp_does_not_know_is_kept(priority: int) -> None:
    delivery = delivered(msgspec.structs.replace(task({}), priority=priority))

    assert delivery.priority == priority


def test_an_id_too_long_for_a_property_is_in_the_headers() -> None:
    long = "ü" * 200
    envelope = Envelope(msgspec.json.encode({"task": "tests.add", "id": long}), b"", correlation_id=long)

    delivery = delivered(Publication(long, "tests.add", "celery", envelope))

    assert (delivery.task_id, delivery.envelope.correlation_id) == (long, None)


def test_headers_that_no_server_takes_are_refused() -> None:
    with pytest.raises(MessageTooLarge, match=r"tests\.add\[1\]"):
        encode(task({"x": "y" * 200_000}), NOW)


def test_a_due_message_is_ready_since_it_was_due() -> None:
    due = msgspec.structs.replace(task({}), due=NOW + 60)
    overdue = msgspec.structs.replace(task({}), due=NOW - 60)

    assert delivered(task({})).ready_since == NOW
    assert delivered(due).ready_since == NOW + 60
    assert delivered(overdue).ready_since == NOW


def test_only_a_message_of_ours_without_conditions_is_not_looked_into() -> None:
    assert delivered(task({"eta": None, "timelimit": [None, None]})).unconditional
    for header in (
        {"eta": "2030-01-01"},
        {"expires": "2030-01-01"},
        {"timelimit": [1, None]},
        {"revoked": True},
    ):
        assert not delivered(task(header)).unconditional


# -- somebody else's


def foreign(headers: dict[str, Any], body: bytes = b"[[],{},null]", **properties: Any) -> amqp.Message:
    return arrived(
        amqp.Message(body, application_headers=headers, content_type="application/json", **properties)
    )


def test_a_message_of_celerys_is_read() -> None:
    message = foreign(
        {"task": "tests.add", "id": "1", "retries": 2}, priority=3, correlation_id="1", reply_to="me"
    )

    delivery = decode(message, tag=7, queue="celery", now=NOW, redelivered=True)

    assert (delivery.tag, delivery.task_id, delivery.task, delivery.queue) == (7, "1", "tests.add", "celery")
    assert (delivery.priority, delivery.crashes, delivery.redelivered) == (3, 0, True)
    assert (delivery.ready_since, delivery.unconditional) == (NOW, False)
    assert msgspec.json.decode(delivery.envelope.headers) == {"task": "tests.add", "id": "1", "retries": 2}


def test_protocol_1_names_its_task_in_the_body() -> None:
    delivery = decode(
        foreign({}, b'{"task": "tests.add", "id": "1", "args": [1]}'), tag=1, queue="q", now=NOW
    )

    assert (delivery.task_id, delivery.task) == ("1", "tests.add")
    assert b"tests.add" in delivery.envelope.headers


@pytest.mark.parametrize("stamp", ["x", [], ["x"], [1.0, "x"], {"a": 1}, 5])
def test_a_header_with_the_name_of_ours_harms_nothing(stamp: Any) -> None:
    delivery = decode(foreign({"task": "tests.add", "id": "1", "sedano": stamp}), tag=1, queue="q", now=NOW)

    assert (delivery.task, delivery.ready_since) == ("tests.add", NOW)


def test_what_is_no_task_is_left_to_a_child() -> None:
    delivery = decode(arrived(amqp.Message(b"\xff")), tag=1, queue="q", now=NOW)

    assert (delivery.task_id, delivery.task, delivery.envelope.body) == ("", "", b"\xff")


# -- copies


def test_a_copy_says_what_has_become_of_its_message() -> None:
    message = arrived(encode(task({"a": 1}), NOW))

    copy = arrived(restamped(message, crashes=2, redelivered=True, due=NOW + 5, now=NOW + 1))
    later = arrived(restamped(copy, now=NOW + 9))

    delivery = decode(copy, tag=1, queue="celery", now=NOW)
    assert (delivery.crashes, delivery.redelivered, delivery.ready_since) == (2, True, NOW + 5)
    assert delivery.envelope == task({"a": 1}).envelope
    delivery = decode(later, tag=1, queue="celery", now=NOW)
    assert (delivery.crashes, delivery.redelivered, delivery.ready_since) == (2, True, NOW + 9)


def test_a_copy_of_celerys_message_is_still_one_that_celery_can_read() -> None:
    message = foreign({"task": "tests.add", "id": "1"}, correlation_id="1", expiration="1000")

    copy = arrived(restamped(message, crashes=1, now=NOW))

    assert copy.properties["application_headers"]["task"] == "tests.add"
    assert "expiration" not in copy.properties
    delivery = decode(copy, tag=1, queue="celery", now=NOW)
    assert (delivery.crashes, delivery.task_id, delivery.envelope.expiration) == (1, "1", "1000")


def test_a_copy_of_a_message_that_names_its_task_in_the_body_names_it_still() -> None:
    message = foreign({}, b'{"task": "tests.add", "id": "1", "args": [1]}')

    copy = arrived(restamped(message, crashes=1, now=NOW))

    delivery = decode(copy, tag=1, queue="q", now=NOW)
    assert (delivery.task_id, delivery.task, delivery.crashes) == ("1", "tests.add", 1)


def test_a_copy_of_celerys_message_does_not_repeat_its_headers_where_celery_would_take_them_along() -> None:
    copy = restamped(foreign({"task": "tests.add", "id": "1", "retries": 0}), crashes=1, now=NOW)
    retried = foreign({**copy.properties["application_headers"], "retries": 1})

    delivery = decode(retried, tag=1, queue="q", now=NOW)

    assert msgspec.json.decode(delivery.envelope.headers)["retries"] == 1


def test_what_the_server_wrote_into_the_headers_is_left_out() -> None:
    written = {"x-death": [{"queue": "q", "count": 1}], "x-delivery-count": 3, "x-mine": "y"}
    message = foreign({"task": "tests.add", "id": "1", **written})

    headers = decode(message, tag=1, queue="celery", now=NOW).envelope.headers
    copy = restamped(message, now=NOW)

    assert msgspec.json.decode(headers) == {"task": "tests.add", "id": "1", "x-mine": "y"}
    assert copy.properties["application_headers"].keys() == {"task", "id", "x-mine", "sedano"}


def test_a_stamp_says_when_a_message_became_ready() -> None:
    stamp = stamp_of(arrived(encode(task({}), NOW)))

    assert stamp is not None
    assert stamp.since == NOW
