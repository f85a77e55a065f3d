"""Kombu's JSON form of messages."""

import json
from base64 import b64encode
from typing import Any

import pytest

from sedano.brokers.publication import Publication
from sedano.brokers.redis.kombu_message import decode, encode
from sedano.errors import MalformedMessage
from sedano.message.celery_v2 import encode as encode_call
from sedano.message.compression import find_compression
from sedano.message.decoding import decode as decode_call
from sedano.message.envelope import Envelope, pack, unpack
from sedano.message.header_peek import peek
from sedano.message.serializers import find_serializer
from sedano.message.task_message import TaskMessage

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


@pytest.mark.parametrize("value", ["half a pair \ud800", float("nan"), float("-inf"), [1e999]])
def test_headers_that_only_python_reads_as_json_are_read(value: Any) -> None:
    message = {**_CELERYS, "headers": {"colour": value, "task": "proj.add", "id": "1"}}

    delivery = decode(json.dumps(message).encode(), tag=1, queue="celery", now=0.0)

    assert (delivery.task_id, delivery.task, delivery.malformed) == ("1", "proj.add", None)
    read = decode_call(delivery.envelope, accept=["json"])
    assert (repr(read.headers["colour"]), read.args) == (repr(value), [1, 2])


def test_headers_of_ours_that_only_python_reads_as_json_are_read() -> None:
    envelope = encode_call(TaskMessage(id="1", task="proj.add", headers={"x": float("inf"), "y": "\ud800"}))

    delivery = decode(encode(Publication("1", "proj.add", "q", envelope, 3), 7.5), tag=1, queue="q", now=9.0)

    assert (delivery.task_id, delivery.task, delivery.ready_since) == ("1", "proj.add", 7.5)
    assert decode_call(delivery.envelope, accept=["json"]).headers == {"x": float("inf"), "y": "\ud800"}


@pytest.mark.parametrize("compression", [None, "gzip", "zlib", "bzip2", "lzma"])
@pytest.mark.parametrize("serializer", ["json", "yaml", "msgpack"])
def test_a_message_of_protocol_1_is_named_however_it_is_packed(
    serializer: str, compression: str | None
) -> None:
    call = {"task": "proj.old", "id": "2", "args": [1], "kwargs": {}, "eta": "2026-11-22T04:55:37+00:00"}
    message = _of_protocol_1(call, serializer, compression)

    delivery = decode(message, tag=1, queue="celery", now=0.0)

    assert (delivery.task_id, delivery.task) == ("2", "proj.old")
    headers = peek(delivery.envelope.headers)
    assert headers is not None
    assert headers.eta == call["eta"]
    read = decode_call(delivery.envelope, accept=[serializer])
    assert (read.args, read.headers, read.argsrepr) == ([1], {"colour": "red"}, "(1,)")


def test_what_only_a_child_can_name_has_no_name() -> None:
    message = _of_protocol_1({"task": "proj.old", "id": "2", "args": [], "kwargs": {}}, "pickle", None)

    delivery = decode(message, tag=1, queue="celery", now=0.0)

    assert (delivery.task_id, delivery.task, delivery.malformed) == ("1", "", None)


@pytest.mark.parametrize(
    "damage",
    [
        {"properties": 5},
        {"body": 5},
        {"body": "a", "headers": {"id": "1", "task": "proj.add", "x": float("nan")}},
        {"sedano": ["a", "b", "c", "1", "proj.add", "f", 5], "headers": None, "properties": None},
        {"content-type": ["x"]},
    ],
)
def test_a_damaged_message_tells_whose_it_is(damage: dict[str, Any]) -> None:
    message = json.dumps({**_CELERYS, **damage}).encode()

    delivery = decode(message, tag=4, queue="celery", now=7.5)

    assert (delivery.tag, delivery.task_id, delivery.task, delivery.queue) == (4, "1", "proj.add", "celery")
    assert str(delivery.malformed).startswith("This is not a message in kombu's form: ")
    assert delivery.envelope.body == message


def test_names_that_cannot_be_written_down_are_none() -> None:
    headers = {"task": "proj.\ud800", "id": "\ud800"}
    properties = {**_CELERYS["properties"], "correlation_id": "1\ud800"}  # type: ignore[dict-item]
    message = {**_CELERYS, "headers": headers, "properties": properties}

    delivery = decode(json.dumps(message).encode(), tag=1, queue="celery", now=0.0)

    assert (delivery.task_id, delivery.task) == ("1\\ud800", "")
    assert unpack(pack(delivery.envelope)) == delivery.envelope


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
        b'{"body": 1, "properties": {"correlation_id": ""}, "headers": 1}',
        b"\xff" * 20,
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_what_is_no_message_is_malformed(message: bytes) -> None:
    with pytest.raises(MalformedMessage):
        decode(message, tag=1, queue="celery", now=0.0)


def _of_protocol_1(call: dict[str, Any], serializer: str, compression: str | None) -> bytes:
    headers = {"colour": "red"}
    written = find_serializer(serializer)
    body = written.dumps(call)
    if compression is not None:
        packer = find_compression(compression)
        headers["compression"] = packer.content_type
        body = packer.compress(body)
    content = {"content-type": written.content_type, "content-encoding": written.content_encoding}
    return json.dumps({**_CELERYS, **content, "headers": headers, "body": b64encode(body).decode()}).encode()


@pytest.mark.parametrize("unconditional", [True, False])
def test_it_is_kept_whether_the_headers_hold_conditions(unconditional: bool) -> None:
    envelope = Envelope(b'{"task": "proj.add", "id": "1"}', b"[[], {}, {}]")
    publication = Publication("1", "proj.add", "mail", envelope, unconditional=unconditional)

    delivery = decode(encode(publication, 7.5), tag=1, queue="mail", now=8.0)

    assert delivery.unconditional is unconditional
