"""Messages against Celery's own code: what it sends is read here, what we send it reads and runs."""

import base64
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery, chain, chord, signature
from celery.worker.request import Request
from celery.worker.strategy import hybrid_to_proto2, proto1_to_proto2
from kombu import Queue
from kombu.compression import decompress as kombu_decompress
from kombu.message import Message
from kombu.serialization import loads as kombu_loads

from sedano.message.celery_v2 import encode
from sedano.message.decoding import decode
from sedano.message.envelope import Envelope
from sedano.message.header_peek import peek
from sedano.message.task_message import TaskMessage

EVERYTHING = ["json", "yaml", "msgpack", "pickle"]

ARGUMENTS: list[Any] = [
    None,
    True,
    -5,
    2**100,
    1.5,
    float("inf"),
    "ä\U0001f600\x00",
    "half a pair \ud800",
    datetime(2026, 11, 22, 4, 55, 37, 678, tzinfo=UTC),
    datetime(2026, 11, 22),  # noqa: DTZ001
    datetime(2026, 11, 22).date(),  # noqa: DTZ001
    datetime(2026, 11, 22, 1, 2, 3).time(),  # noqa: DTZ001
    Decimal("1.10"),
    uuid.UUID(int=7),
    b"text",
    b"\xff\x00",
    [[], {}, {"deep": [b"\xfe"]}],
]


@pytest.fixture
def celery() -> Iterator[Celery]:
    """An application of Celery's whose broker is a queue in this process."""
    app = Celery("proj", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.accept_content = EVERYTHING

    @app.task(name="proj.echo", bind=True, shared=False)
    def echo(self: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {"args": list(args), "kwargs": kwargs, "request": SimpleNamespace(**vars(self.request))}

    with app.connection_for_write() as connection:
        Queue("celery")(connection.default_channel).declare()
        yield app
        connection.default_channel.queue_purge("celery")
    app.close()


def sent_by(celery: Celery) -> Envelope:
    """The message that Celery's producer put into its queue, byte for byte."""
    with celery.connection_for_read() as connection:
        sent = connection.default_channel._get("celery")  # as it lies there: kombu's Message decompresses
    properties = sent["properties"]
    assert properties["body_encoding"] == "base64"
    return Envelope(
        json.dumps(sent["headers"]).encode(),
        base64.b64decode(sent["body"]),
        sent["content-type"],
        sent["content-encoding"],
        properties.get("correlation_id"),
        properties.get("reply_to"),
        properties.get("priority") or 0,
        properties.get("delivery_mode") or 2,
        properties.get("expiration"),
    )


def received_by_celery(envelope: Envelope) -> Message:
    """The message as Celery's consumer would have it."""
    return Message(
        body=envelope.body,
        delivery_tag="tag",
        content_type=envelope.content_type,
        content_encoding=envelope.content_encoding,
        delivery_info={"exchange": "", "routing_key": "celery"},
        properties={"correlation_id": envelope.correlation_id, "reply_to": envelope.reply_to},
        headers=json.loads(envelope.headers),
        accept=None,
    )


def run_by_celery(celery: Celery, envelope: Envelope) -> Any:
    """What Celery's worker makes of the message: the value that the task returns."""
    message = received_by_celery(envelope)
    message.accept = {"application/json", "application/x-yaml", "application/x-msgpack"}
    request = Request(
        message,
        app=celery,
        hostname="worker@host",
        task=celery.tasks["proj.echo"],
        on_ack=lambda *_: None,
        connection_errors=(),
    )
    return request.execute()


# -- what Celery sends


def test_a_plain_call_of_celerys_is_read(celery: Celery) -> None:
    sent = celery.tasks["proj.echo"].apply_async((1, "two"), {"three": 3}, task_id="an-id")

    message = decode(sent_by(celery), accept=["json"])

    assert (message.id, message.task, message.protocol) == (sent.id, "proj.echo", 2)
    assert (message.args, message.kwargs) == ([1, "two"], {"three": 3})
    assert (message.root_id, message.parent_id, message.retries) == ("an-id", None, 0)
    assert (message.argsrepr, message.kwargsrepr) == ("(1, 'two')", "{'three': 3}")
    assert message.origin is not None
    assert message.origin.startswith("gen")
    assert message.reply_to
    assert message.correlation_id == "an-id"
    assert (message.ignore_result, message.stamps, message.headers) == (False, {}, {})


def test_every_option_of_celerys_is_read(celery: Celery) -> None:
    celery.tasks["proj.echo"].apply_async(
        (),
        countdown=60,
        expires=120,
        time_limit=30,
        soft_time_limit=20.5,
        priority=5,
        shadow="a nicer name",
        retries=2,
        root_id="a-root",
        parent_id="a-parent",
        headers={"x-tenant": "acme", "x-depth": [1, {"a": None}]},
        link=celery.tasks["proj.echo"].s(1),
        link_error=[celery.tasks["proj.echo"].s(2)],
    )
    envelope = sent_by(celery)

    message = decode(envelope, accept=["json"])

    assert message.eta is not None
    assert message.expires is not None
    assert datetime.fromisoformat(message.expires) - datetime.fromisoformat(message.eta) < timedelta(
        seconds=61
    )
    assert message.expiration is not None
    assert 118_000 < int(message.expiration) <= 120_000
    assert (message.time_limit, message.soft_time_limit) == (30, 20.5)
    assert (message.priority, message.shadow, message.retries) == (5, "a nicer name", 2)
    assert (message.root_id, message.parent_id) == ("a-root", "a-parent")
    assert message.headers == {"x-tenant": "acme", "x-depth": [1, {"a": None}]}
    assert message.callbacks is not None
    assert [step["args"] for step in message.callbacks] == [[1]]
    assert message.errbacks is not None
    assert [step["args"] for step in message.errbacks] == [[2]]
    found = peek(envelope.headers)
    assert found is not None
    assert (found.eta, found.expires, found.timelimit) == (message.eta, message.expires, (30, 20.5))


def test_a_chain_of_celerys_is_read(celery: Celery) -> None:
    echo = celery.tasks["proj.echo"]
    chain(echo.s(1), echo.s(2), echo.s(3), app=celery).apply_async()

    message = decode(sent_by(celery), accept=["json"])

    assert message.args == [1]
    assert message.chain is not None
    assert [step["args"] for step in message.chain] == [[3], [2]]


def test_a_chord_of_celerys_is_read(celery: Celery) -> None:
    echo = celery.tasks["proj.echo"]
    chord([echo.s(1), echo.s(2)], echo.s(), app=celery).apply_async()

    first = decode(sent_by(celery), accept=["json"])

    assert first.group
    assert first.group_index == 0
    assert first.chord is not None
    assert first.chord["task"] == "proj.echo"


def test_a_stamped_call_of_celerys_is_read(celery: Celery) -> None:
    call = celery.tasks["proj.echo"].s(1)
    call.stamp(tenant="acme")
    call.apply_async()

    message = decode(sent_by(celery), accept=["json"])

    assert message.stamped_headers is not None
    assert "tenant" in message.stamped_headers
    assert message.stamps["tenant"] in ("acme", ["acme"])


def test_a_call_by_name_leaves_the_result_to_the_worker(celery: Celery) -> None:
    celery.send_task("proj.other", (1,), ignore_result=None)

    assert decode(sent_by(celery), accept=["json"]).task == "proj.other"


@pytest.mark.parametrize("value", ARGUMENTS, ids=repr)
def test_a_value_that_celery_sends_arrives_as_in_celery(celery: Celery, value: Any) -> None:
    celery.send_task("proj.echo", (value,), {"key": [value]})
    envelope = sent_by(celery)

    message = decode(envelope, accept=["json"])

    theirs, their_kwargs, _ = kombu_loads(
        envelope.body, "application/json", "utf-8", accept={"application/json"}
    )
    assert (message.args, message.kwargs) == (theirs, their_kwargs) == ([value], {"key": [value]})


@pytest.mark.parametrize("serializer", EVERYTHING)
@pytest.mark.parametrize("compression", [None, "gzip", "zlib", "bzip2", "lzma"])
def test_every_serializer_and_compression_of_celerys_is_read(
    celery: Celery, serializer: str, compression: str | None
) -> None:
    celery.send_task(
        "proj.echo", (1, "ä" * 100), {"key": [None]}, serializer=serializer, compression=compression
    )

    message = decode(sent_by(celery), accept=[serializer])

    assert (list(message.args), message.kwargs, message.headers) == ([1, "ä" * 100], {"key": [None]}, {})


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_protocol_1_of_celerys_is_read(celery: Celery, compression: str | None) -> None:
    celery.conf.task_protocol = 1
    celery.tasks["proj.echo"].apply_async(
        (1,),
        {"two": 2},
        task_id="an-id",
        countdown=60,
        time_limit=30,
        compression=compression,
        link=celery.tasks["proj.echo"].s(5),
    )
    envelope = sent_by(celery)

    message = decode(envelope, accept=["json"])

    assert (message.protocol, message.id, message.task) == (1, "an-id", "proj.echo")
    assert (message.args, message.kwargs, message.time_limit) == ([1], {"two": 2}, 30)
    assert message.eta
    assert message.callbacks is not None
    assert message.callbacks[0]["args"] == [5]
    theirs = received_by_celery(envelope)
    (args, kwargs, embed), headers, _, _ = proto1_to_proto2(theirs, theirs.decode())
    assert (message.args, message.kwargs, message.callbacks) == (args, kwargs, embed["callbacks"])
    assert (message.kwargsrepr, message.group) == (headers["kwargsrepr"], headers["group"])


def test_a_hybrid_is_read_as_celery_reads_it(celery: Celery) -> None:
    old = celery.amqp.as_task_v1("body-id", "proj.echo", (1,), {"two": 2}, retries=3, group_id="a-group").body
    headers = {"task": "proj.echo", "id": "header-id", "x-a": 1}
    envelope = Envelope(json.dumps(headers).encode(), json.dumps(old).encode())

    message = decode(envelope, accept=["json"])

    theirs = received_by_celery(envelope)
    (args, kwargs, _), their_headers, _, _ = hybrid_to_proto2(theirs, old)
    assert (message.args, message.kwargs) == (list(args), kwargs)
    assert (message.id, message.retries, message.group) == tuple(
        their_headers[name] for name in ("id", "retries", "group")
    )


# -- what Celery receives


def test_our_headers_are_celerys(celery: Celery) -> None:
    ours = json.loads(
        encode(TaskMessage(id="an-id", task="proj.echo", args=(1, 2), kwargs={"a": "b"})).headers
    )

    theirs = celery.amqp.as_task_v2("an-id", "proj.echo", (1, 2), {"a": "b"}).headers

    assert list(ours) == list(theirs)
    assert {**ours, "origin": None, "ignore_result": None} == {
        **theirs,
        "origin": None,
        "ignore_result": None,
    }


@pytest.mark.parametrize("value", ARGUMENTS, ids=repr)
def test_a_value_that_we_send_arrives_in_celery(value: Any) -> None:
    envelope = encode(TaskMessage(id="an-id", task="proj.echo", args=(value,), kwargs={"key": [value]}))

    args, kwargs, embed = kombu_loads(
        envelope.body, envelope.content_type, envelope.content_encoding, accept={"application/json"}
    )

    assert (args, kwargs) == ([value], {"key": [value]})
    assert embed == {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


@pytest.mark.parametrize("serializer", ["json", "yaml", "msgpack"])
@pytest.mark.parametrize("compression", [None, "gzip", "bzip2", "lzma"])
def test_celery_runs_what_we_send(celery: Celery, serializer: str, compression: str | None) -> None:
    message = TaskMessage(
        id="an-id",
        task="proj.echo",
        args=(1, "ä"),
        kwargs={"key": [None]},
        shadow="a nicer name",
        retries=2,
        time_limit=30,
        soft_time_limit=20,
        root_id="a-root",
        parent_id="a-parent",
        group="a-group",
        group_index=4,
        origin="gen1@host",
        ignore_result=True,
        headers={"x-tenant": "acme"},
        reply_to="me",
    )

    returned = run_by_celery(celery, encode(message, serializer=serializer, compression=compression))

    request = returned["request"]
    assert (returned["args"], returned["kwargs"]) == ([1, "ä"], {"key": [None]})
    assert (request.id, request.root_id, request.parent_id) == ("an-id", "a-root", "a-parent")
    assert (request.retries, request.timelimit, request.shadow) == (2, [30, 20], "a nicer name")
    assert (request.group, request.group_index) == ("a-group", 4)
    assert (request.reply_to, request.correlation_id) == ("me", "an-id")
    assert request.headers["x-tenant"] == "acme"
    assert (request.argsrepr, request.kwargsrepr) == ("(1, 'ä')", "{'key': [None]}")


def test_celery_understands_our_eta_and_expiry(celery: Celery) -> None:
    moment = datetime(2090, 11, 22, 4, 55, 37, tzinfo=UTC)
    message = TaskMessage(
        id="1", task="proj.echo", eta=moment.isoformat(), expires=(moment + timedelta(hours=1)).isoformat()
    )

    request = Request(
        received_by_celery(encode(message)),
        app=celery,
        task=celery.tasks["proj.echo"],
        on_ack=lambda *_: None,
    )

    assert (request.eta, request.expires) == (moment, moment + timedelta(hours=1))


def test_celery_finds_our_signatures(celery: Celery) -> None:
    step = dict(celery.tasks["proj.echo"].s(5), args=[5])
    message = TaskMessage(
        id="1", task="proj.echo", callbacks=[step], errbacks=[step], chain=[step], chord=step
    )

    _, _, embed = received_by_celery(encode(message)).decode()

    for found in (embed["callbacks"][0], embed["errbacks"][0], embed["chain"][0], embed["chord"]):
        assert signature(found, app=celery) == signature(step, app=celery)


@pytest.mark.parametrize("compression", ["gzip", "bzip2", "lzma"])
def test_kombu_unpacks_what_we_compressed(compression: str) -> None:
    plain = encode(TaskMessage(id="1", task="t", args=(1,)))
    packed = encode(TaskMessage(id="1", task="t", args=(1,)), compression=compression)

    assert kombu_decompress(packed.body, json.loads(packed.headers)["compression"]) == plain.body


def test_celery_refuses_the_types_that_only_we_can_tag() -> None:
    """A set does not get through to Celery; it does not arrive as something else either."""
    body = encode(TaskMessage(id="1", task="t", args=({1},))).body

    with pytest.raises(Exception, match="Unsupported type"):
        kombu_loads(body, "application/json", "utf-8", accept={"application/json"})
