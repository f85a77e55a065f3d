"""Whatever bytes come in, decode returns a call or raises a MessageError; peek never raises."""

import json
import zlib
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sedano.errors import MessageError
from sedano.message import task_headers
from sedano.message.celery_v2 import encode, read_plain
from sedano.message.celery_v2 import read as thorough
from sedano.message.decoding import decode
from sedano.message.envelope import Envelope
from sedano.message.header_peek import peek
from sedano.message.serializers import find_serializer
from sedano.message.task_headers import RESERVED
from sedano.message.task_message import TaskMessage

#: No limit to the time of one example: other work may share the machine.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

EVERYTHING = ["json", "yaml", "msgpack", "application/data", "text/plain"]

content_types = st.sampled_from(
    ["application/json", "application/x-yaml", "application/x-msgpack", "application/data", "text/plain", ""]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda value: st.lists(value, max_size=3) | st.dictionaries(st.text(), value, max_size=3),
    max_leaves=8,
)
tags = st.sampled_from(
    ["datetime", "date", "time", "timedelta", "decimal", "uuid", "bytes", "base64", "set", "frozenset", "?"]
)
tagged = st.fixed_dictionaries({"__type__": tags | json_values, "__value__": json_values})


# Composite, because the text of the whole strategy would be longer than Hypothesis likes to print.
@st.composite
def any_hostile_value(draw: st.DrawFn) -> Any:
    return draw(
        st.recursive(
            json_values | tagged,
            lambda value: (
                st.lists(value, max_size=3)
                | st.fixed_dictionaries({"__type__": tags, "__value__": value | st.lists(value, max_size=3)})
            ),
            max_leaves=8,
        )
    )


hostile_values = any_hostile_value()
header_names = st.sampled_from(sorted(RESERVED)) | st.text(max_size=5)
hostile_headers = st.dictionaries(header_names, hostile_values) | st.fixed_dictionaries(
    {"task": st.just("t"), "id": st.just("1")},
    optional=dict.fromkeys(sorted(RESERVED - {"task", "id"}), hostile_values),
)
body_fields = ["task", "id", "args", "kwargs", "retries", "eta", "timelimit", "callbacks", "taskset", "chord"]
old_bodies = st.fixed_dictionaries(
    {"task": st.just("t"), "id": st.just("1")}, optional=dict.fromkeys(body_fields[2:], hostile_values)
)
new_bodies = st.tuples(
    hostile_values | st.just([]),
    hostile_values | st.just({}),
    hostile_values
    | st.dictionaries(st.sampled_from(["callbacks", "errbacks", "chain", "chord"]), hostile_values),
)


def check_the_shorter_reading(envelope: Envelope) -> None:
    """Where the reading for ordinary messages gives a call, the thorough one gives the same."""
    short = read_plain(envelope)
    if short is not None:
        headers = task_headers.read_object(envelope.headers)
        assert short == thorough(headers, find_serializer("json").loads(envelope.body), envelope)


def read(envelope: Envelope) -> TaskMessage | None:
    try:
        return decode(envelope, accept=EVERYTHING, max_size=1_000_000)
    except MessageError as error:
        assert str(error)
        return None


@unhurried
@given(headers=st.binary(), body=st.binary(), content_type=content_types)
def test_any_bytes(headers: bytes, body: bytes, content_type: str) -> None:
    read(Envelope(headers, body, content_type))
    read(Envelope(b'{"task": "t", "id": "1"}', body, content_type))
    peek(headers)


@unhurried
@given(body=st.binary(), compression=st.sampled_from(["gzip", "bzip2", "lzma", "application/x-gzip"]))
def test_any_bytes_that_claim_to_be_compressed(body: bytes, compression: str) -> None:
    headers = json.dumps({"task": "t", "id": "1", "compression": compression}).encode()

    read(Envelope(headers, body))
    read(Envelope(headers, zlib.compress(body)))


@unhurried
@given(headers=hostile_headers | json_values, body=new_bodies | old_bodies | hostile_values)
def test_any_json(headers: Any, body: Any) -> None:
    envelope = Envelope(json.dumps(headers).encode(), json.dumps(body).encode())

    message = read(envelope)

    check_the_shorter_reading(envelope)
    peek(envelope.headers)
    if message is not None:
        # What was let in is a call that can be sent on, as a retry does.
        assert isinstance(message.retries, int)
        assert all(isinstance(name, str) for name in message.kwargs)
        written = encode(message)
        assert decode(written, accept={"json"}).id == message.id


@unhurried
@given(data=st.data())
def test_a_good_message_with_some_bytes_changed(data: st.DataObject) -> None:
    args: list[Any] = [1, "ä", {"a": b"\xff"}] if data.draw(st.booleans()) else [1, "ä"]
    good = encode(TaskMessage(id="1", task="t", args=args, kwargs={"b": None}))
    headers, body = bytearray(good.headers), bytearray(good.body)
    for part in (headers, body):
        for _ in range(data.draw(st.integers(0, 3))):
            part[data.draw(st.integers(0, len(part) - 1))] = data.draw(st.integers(0, 255))

    envelope = Envelope(bytes(headers), bytes(body))
    read(envelope)
    check_the_shorter_reading(envelope)
    peek(bytes(headers))
