"""Kombu's JSON form of messages."""

import json

import msgspec
import pytest

from sedano.brokers.publication import Publication
from sedano.brokers.redis.kombu_message import decode, encode
from sedano.errors import MalformedMessage
from sedano.message.envelope import Envelope

_CELERYS = {
    "body": "W1sxLCAyXSwge30sIHt9XQ==",
    "content-encoding": "utf-8",
    "content-type": "application/json",
    "headers": {"task": "proj.add", "id": "1", "eta": None},
    "properties": {
        "correlation_id": "1",
        "reply_to": "r",
        "delivery_mode": 2,
        "delivery_info": {"exchange": "", "routing_key": "celery"},
        "priority": 5,
        "body_encoding": "base64",
        "delivery_tag": "t",
    },
}


def test_a_message_of_ours_is_one_of_kombus() -> None:
    envelope = Envelope(b'{"task": "proj.add", "id": "1"}', b"[[], {}, {}]", correlation_id="1", priority=3)

    written = json.loads(encode(Publication("1", "proj.add", "mail", envelope, 3), 7.5))

    assert written["body"] == "W1tdLCB7fSwge31d"
    assert (written["content-type"], written["content-encoding"]) == ("application/json", "utf-8")
    assert written["headers"] == {"task": "proj.add", "id": "1"}
    properties = written["properties"]
    assert properties.pop("delivery_tag")
    assert properties == {
        "correlation_id": "1",
        "delivery_info": {"exchange": "", "routing_key": "mail"},
        "delivery_mode": 2,
        "priority": 3,
        "body_encoding": "base64",
    }


def test_a_message_of_celerys_is_read() -> None:
    delivery = decode(json.dumps(_CELERYS).encode(), tag=4, queue="celery", now=7.5)

    assert (delivery.tag, delivery.task_id, delivery.task, delivery.queue) == (4, "1", "proj.add", "celery")
    assert (delivery.priority, delivery.crashes, delivery.ready_since) == (5, 0, 7.5)
    assert delivery.envelope.headers == b'{"task": "proj.add", "id": "1", "eta": null}'
    assert delivery.envelope.body == b"[[1, 2], {}, {}]"


def test_a_message_of_protocol_1_is_named_by_its_body() -> None:
    body = json.dumps({"task": "proj.old", "id": "2", "args": [], "kwargs": {}})
    properties = {**_CELERYS["properties"], "body_encoding": None}  # type: ignore[dict-item]
    message = {**_CELERYS, "headers": {}, "body": body, "properties": properties}

    delivery = decode(json.dumps(message).encode(), tag=1, queue="celery", now=0.0)

    assert (delivery.task_id, delivery.task) == ("2", "proj.old")
    assert delivery.envelope.body == body.encode()


def test_a_message_that_came_back_says_so() -> None:
    stamped = b'{"sedano":[2,1,7.25],' + json.dumps(_CELERYS).encode()[1:]

    delivery = decode(stamped, tag=1, queue="celery", now=9.0)

    assert (delivery.crashes, delivery.redelivered, delivery.ready_since) == (2, True, 7.25)
    assert delivery.task_id == "1"


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"rubbish",
        b"[]",
        b"{}",
        b'{"body": "!", "properties": {"body_encoding": "base64"}, "headers": 1}',
        msgspec.json.encode({**_CELERYS, "sedano": ["a", "b", "c", "d", "e", "f", 5]}),
        b"\xff" * 20,
    ],
)
def test_what_is_no_message_is_malformed(message: bytes) -> None:
    with pytest.raises(MalformedMessage):
        decode(message, tag=1, queue="celery", now=0.0)
