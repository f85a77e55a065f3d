"""Reading messages: well-formed, old, foreign and hostile ones."""

import bz2
import json
import lzma
import pickle
import zlib
from typing import Any

import msgpack
import pytest
import yaml

from sedano.errors import ContentDisallowed, MalformedMessage, MessageTooLarge
from sedano.message.celery_v2 import encode
from sedano.message.decoding import decode
from sedano.message.envelope import Envelope
from sedano.message.task_message import TaskMessage

JSON = frozenset({"json"})
HEADERS: dict[str, Any] = {"task": "proj.add", "id": "an-id"}
BODY: list[Any] = [[1, 2], {"user": "bob"}, None]


def envelope(headers: object = HEADERS, body: object = BODY, **properties: Any) -> Envelope:
    return Envelope(json.dumps(headers).encode(), json.dumps(body).encode(), **properties)


def test_task_and_id_are_enough() -> None:
    message = decode(envelope(), accept=JSON)

    assert (message.task, message.id, message.args, message.kwargs) == (
        "proj.add",
        "an-id",
        [1, 2],
        {"user": "bob"},
    )
    assert (message.retries, message.root_id, message.time_limit, message.protocol) == (0, "an-id", None, 2)


def test_headers_that_are_null_count_as_absent() -> None:
    headers = HEADERS | {"retries": None, "timelimit": None, "stamps": None, "root_id": None, "lang": None}

    message = decode(envelope(headers), accept=JSON)

    assert (message.retries, message.time_limit, message.stamps, message.root_id) == (0, None, {}, "an-id")


def test_everything_that_was_written_is_read() -> None:
    sent = TaskMessage(
        id="an-id",
        task="proj.add",
        args=[1],
        kwargs={"b": 2},
        callbacks=[{"task": "next"}],
        errbacks=[{"task": "wrong"}],
        chain=[{"task": "last"}, {"task": "second"}],
        chord={"task": "body"},
        shadow="a nicer name",
        eta="2026-11-22T04:55:37+00:00",
        expires="2026-11-22T05:55:37+00:00",
        group="a-group",
        group_index=3,
        retries=2,
        time_limit=30.0,
        soft_time_limit=20.0,
        root_id="a-root",
        parent_id="a-parent",
        argsrepr="(1,)",
        kwargsrepr="{'b': 2}",
        origin="gen1@host",
        ignore_result=True,
        replaced_task_nesting=1,
        stamped_headers=["tenant"],
        stamps={"tenant": ["acme"]},
        headers={"x-custom": "v"},
        reply_to="me",
        correlation_id="another",
        priority=5,
        delivery_mode=1,
        expiration="3600000",
    )

    assert decode(encode(sent), accept=JSON) == sent


def test_unknown_headers_are_the_users_own() -> None:
    message = decode(envelope(HEADERS | {"x-tenant": "acme", "lang": "py"}), accept=JSON)

    assert message.headers == {"x-tenant": "acme"}


def test_a_signature_on_its_own_counts_as_a_list_of_one() -> None:
    message = decode(envelope(body=[[], {}, {"callbacks": {"task": "next"}}]), accept=JSON)

    assert message.callbacks == [{"task": "next"}]


def test_headers_that_only_python_writes_are_read() -> None:
    headers = b'{"task": "t", "id": "1", "x-nan": NaN, "argsrepr": "\\ud83d"}'

    message = decode(Envelope(headers, b"[[], {}, null]"), accept=JSON)

    assert message.argsrepr == "\ud83d"
    assert str(message.headers["x-nan"]) == "nan"


@pytest.mark.parametrize(
    ("headers", "complaint"),
    [
        ({"task": "t"}, "required field id"),
        ({"task": "t", "id": None}, "header 'id': expected str, got null"),
        ({"task": "t", "id": 5}, "header 'id': expected str, got int"),
        ({"task": "t", "id": ""}, "header 'id'"),
        ({"task": None, "id": "1"}, "header 'task'"),
        ({"task": ["t"], "id": "1"}, "header 'task'"),
        (HEADERS | {"retries": "3"}, "header 'retries': expected int | null, got str"),
        (HEADERS | {"retries": -1}, "header 'retries': expected int"),
        (HEADERS | {"retries": 2**80}, "header 'retries'"),
        (HEADERS | {"retries": True}, "header 'retries'"),
        (HEADERS | {"timelimit": 5}, "header 'timelimit'"),
        (HEADERS | {"timelimit": [1]}, "header 'timelimit'"),
        (HEADERS | {"timelimit": [-1, None]}, "header 'timelimit': expected seconds of at least 0"),
        (HEADERS | {"timelimit": ["x", None]}, "header 'timelimit"),
        (HEADERS | {"eta": "soon"}, "header 'eta': expected an ISO 8601"),
        (HEADERS | {"eta": 1700000000}, "header 'eta'"),
        (HEADERS | {"expires": "9999-99-99"}, "header 'expires'"),
        (HEADERS | {"expires": "0001-01-01T00:00:00+14:00"}, "header 'expires'"),
        (HEADERS | {"stamps": [1]}, "header 'stamps'"),
        (HEADERS | {"compression": "snappy"}, "header 'compression': 'snappy' is no known compression"),
        (HEADERS | {"compression": ["gzip"]}, "header 'compression'"),
        ([1], "The headers are not a JSON object, but of type list"),
        ("text", "The headers are not a JSON object"),
        ({}, "is no task"),
        (None, "is no task"),
    ],
)
def test_headers_that_are_no_tasks_are_malformed(headers: object, complaint: str) -> None:
    with pytest.raises(MalformedMessage, match=complaint.replace("|", r"\|")):
        decode(envelope(headers), accept=JSON)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ([], r"The body is not \[args, kwargs, embed\], but \[\]"),
        ([[], {}], "The body is not"),
        ([[], {}, None, None], "The body is not"),
        ("text", "The body is not .*'text'"),
        (None, "The body is not .*None"),
        ({"kwargs": {}}, "The body is not"),
        (["ab", {}, None], "The positional arguments are not a list, but of type str"),
        ([{}, {}, None], "The positional arguments"),
        ([[], [], None], "The keyword arguments are not an object, but of type list"),
        ([[], {}, 5], "The third part of the body"),
        ([[], {}, {"callbacks": "next"}], "'callbacks' is not a list of signatures"),
        ([[], {}, {"errbacks": [5]}], "'errbacks' is not a list of signatures"),
        ([[], {}, {"chain": 5}], "'chain' is not a list of signatures"),
        ([[], {}, {"chord": []}], "'chord' is not a signature"),
        (
            [[{"__type__": "virus", "__value__": 1}], {}, None],
            "nothing is registered for the type tag 'virus'",
        ),
        ([[{"__type__": ["x"], "__value__": 1}], {}, None], "nothing is registered for the type tag"),
        ([[{"__type__": "datetime", "__value__": 1}], {}, None], "cannot be read as json"),
        ([[{"__type__": "uuid", "__value__": {}}], {}, None], "cannot be read as json"),
        ([[{"__type__": "decimal", "__value__": "x"}], {}, None], "cannot be read as json"),
        ([[{"__type__": "set", "__value__": [{}]}], {}, None], "cannot be read as json"),
        ([[{"__type__": "timedelta", "__value__": [1e300]}], {}, None], "cannot be read as json"),
    ],
)
def test_bodies_that_are_no_calls_are_malformed(body: object, complaint: str) -> None:
    with pytest.raises(MalformedMessage, match=complaint):
        decode(envelope(body=body), accept=JSON)


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\xff\xfe",
        b"[[], {}, nul",
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b"[[" + b"9" * 10_000 + b"], {}, null]",
        "[[], {}, null]".encode("utf-16"),
        b"\xef\xbb\xbf[[], {}, null]",
    ],
)
def test_garbage_is_malformed_as_headers_and_as_body(garbage: bytes) -> None:
    with pytest.raises(MalformedMessage):
        decode(Envelope(json.dumps(HEADERS).encode(), garbage), accept=JSON)
    with pytest.raises(MalformedMessage):
        decode(Envelope(garbage, json.dumps(BODY).encode()), accept=JSON)


def test_a_content_type_that_is_not_accepted_is_refused_before_it_is_read() -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return (pytest.fail, ("it was unpickled",))

    bomb = Envelope(
        json.dumps(HEADERS).encode(), pickle.dumps(Bomb()), "application/x-python-serialize", "binary"
    )

    with pytest.raises(ContentDisallowed, match=r"\(pickle\) is not accepted; accept_content is \['json'\]"):
        decode(bomb, accept=JSON)


def test_content_can_be_accepted_by_its_content_type() -> None:
    assert decode(envelope(), accept=["application/json"]).args == [1, 2]


def test_an_accepted_content_type_that_nothing_reads_is_malformed() -> None:
    with pytest.raises(
        MalformedMessage, match="No serializer is registered for the content type 'text/plain'"
    ):
        decode(envelope(content_type="text/plain"), accept={"text/plain"})


def test_raw_and_signed_bodies_are_refused_clearly() -> None:
    with pytest.raises(MalformedMessage, match="raw bytes or a signed message"):
        decode(envelope(content_type="application/data"), accept=JSON)


@pytest.mark.parametrize(
    ("name", "content_type", "body"),
    [
        ("pickle", "application/x-python-serialize", pickle.dumps(((1, 2), {"user": "bob"}, {}))),
        ("yaml", "application/x-yaml", yaml.safe_dump(BODY).encode()),
        ("msgpack", "application/x-msgpack", msgpack.packb(BODY)),
    ],
)
def test_other_serializers_are_read_where_they_are_accepted(
    name: str, content_type: str, body: bytes
) -> None:
    message = decode(Envelope(json.dumps(HEADERS).encode(), body, content_type), accept={name})

    assert list(message.args) == [1, 2]
    assert message.kwargs == {"user": "bob"}


def test_keyword_names_that_are_no_text_are_malformed() -> None:
    body = yaml.safe_dump([[], {5: 1}, None]).encode()

    with pytest.raises(MalformedMessage, match="The keyword argument 5 has a name that is no text"):
        decode(Envelope(json.dumps(HEADERS).encode(), body, "application/x-yaml"), accept={"yaml"})


@pytest.mark.parametrize(
    ("name", "compress"),
    [
        ("application/x-gzip", zlib.compress),
        ("gzip", zlib.compress),
        ("application/x-bz2", bz2.compress),
        ("application/x-lzma", lzma.compress),
    ],
)
def test_compressed_bodies_are_read(name: str, compress: Any) -> None:
    headers = json.dumps(HEADERS | {"compression": name}).encode()

    message = decode(Envelope(headers, compress(json.dumps(BODY).encode())), accept=JSON)

    assert (message.args, message.headers) == ([1, 2], {})


@pytest.mark.parametrize(
    ("name", "compress"), [("gzip", zlib.compress), ("bzip2", bz2.compress), ("lzma", lzma.compress)]
)
def test_a_body_that_unpacks_to_more_than_allowed_is_refused(name: str, compress: Any) -> None:
    headers = json.dumps(HEADERS | {"compression": name}).encode()
    bomb = compress(b" " * 10_000_000)

    with pytest.raises(MessageTooLarge, match="unpacks to more than the 1,000,000 bytes that are accepted"):
        decode(Envelope(headers, bomb), accept=JSON, max_size=1_000_000)


@pytest.mark.parametrize(
    ("name", "compress"), [("gzip", zlib.compress), ("bzip2", bz2.compress), ("lzma", lzma.compress)]
)
def test_a_body_that_is_cut_short_or_not_compressed_is_malformed(name: str, compress: Any) -> None:
    headers = json.dumps(HEADERS | {"compression": name}).encode()
    whole = compress(json.dumps(BODY).encode())

    for body in (whole[:-9], b"", json.dumps(BODY).encode()):
        with pytest.raises(MalformedMessage, match="cannot be decompressed"):
            decode(Envelope(headers, body), accept=JSON)


def test_a_body_of_exactly_the_allowed_size_is_read() -> None:
    body = json.dumps([[1, 2], {"text": "x" * 1000}, None]).encode()
    headers = json.dumps(HEADERS | {"compression": "gzip"}).encode()

    assert decode(Envelope(headers, zlib.compress(body)), accept=JSON, max_size=len(body)).args == [1, 2]


def test_a_body_larger_than_allowed_is_not_read() -> None:
    with pytest.raises(MessageTooLarge, match="The body has 31 bytes; 10 are accepted"):
        decode(envelope(), accept=JSON, max_size=10)


OLD: dict[str, Any] = {
    "task": "proj.add",
    "id": "an-id",
    "args": [1, 2],
    "kwargs": {"user": "bob"},
    "group": None,
    "group_index": 1,
    "retries": 2,
    "eta": "2026-11-22T04:55:37+00:00",
    "expires": None,
    "utc": True,
    "callbacks": [{"task": "next"}],
    "errbacks": None,
    "timelimit": [30, 20],
    "taskset": "a-group",
    "chord": None,
}


def test_protocol_1_is_read() -> None:
    message = decode(envelope({}, OLD), accept=JSON)

    assert (message.protocol, message.task, message.id) == (1, "proj.add", "an-id")
    assert (message.args, message.kwargs, message.retries) == ([1, 2], {"user": "bob"}, 2)
    assert (message.group, message.group_index, message.root_id) == ("a-group", 1, "an-id")
    assert (message.time_limit, message.soft_time_limit) == (30, 20)
    assert (message.callbacks, message.chain) == ([{"task": "next"}], None)
    assert (message.argsrepr, message.kwargsrepr) == ("(1, 2)", "{'user': 'bob'}")


def test_compressed_protocol_1_is_read_with_its_custom_headers() -> None:
    body = zlib.compress(json.dumps(OLD).encode())
    headers = json.dumps({"compression": "application/x-gzip", "x-a": 1}).encode()

    message = decode(Envelope(headers, body), accept=JSON)

    assert (message.args, message.headers) == ([1, 2], {"x-a": 1})


def test_a_hybrid_takes_from_the_body_what_the_headers_do_not_say() -> None:
    message = decode(envelope({"task": "proj.add", "id": "header-id", "retries": 5}, OLD), accept=JSON)

    assert (message.protocol, message.id, message.retries, message.eta) == (2, "header-id", 5, OLD["eta"])
    assert (message.args, message.callbacks) == ([1, 2], [{"task": "next"}])


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"id": None}, "header 'id'"),
        ({"args": 5}, "The positional arguments"),
        ({"kwargs": []}, "The keyword arguments"),
        ({"retries": "2"}, "header 'retries'"),
        ({"callbacks": 5}, "'callbacks'"),
    ],
)
def test_malformed_protocol_1_is_refused_in_the_same_words(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(MalformedMessage, match=complaint):
        decode(envelope({}, OLD | change), accept=JSON)
