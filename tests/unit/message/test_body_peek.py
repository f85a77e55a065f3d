"""What the parent reads of a message of protocol 1."""

import json
import pickle
import zlib
from typing import Any

import msgpack
import pytest
import yaml

from sedano.message.body_peek import headers_of
from sedano.message.envelope import Envelope
from sedano.message.header_peek import peek

CALL: dict[str, Any] = {
    "task": "proj.add",
    "id": "an-id",
    "args": [1, 2],
    "kwargs": {},
    "retries": 2,
    "eta": "2026-11-22T04:55:37+00:00",
    "expires": "2026-11-22T05:55:37+00:00",
    "timelimit": [30, 20],
    "taskset": "a-group",
    "callbacks": None,
}
YAML = "application/x-yaml"
MSGPACK = "application/x-msgpack"


def test_what_admission_needs_is_read() -> None:
    headers = headers_of(Envelope(b'{"colour": "red"}', json.dumps(CALL).encode()))

    assert headers is not None
    found = peek(headers)
    assert found is not None
    assert (found.task, found.id, found.retries, found.group) == ("proj.add", "an-id", 2, "a-group")
    assert (found.eta, found.expires, found.timelimit) == (CALL["eta"], CALL["expires"], (30, 20))
    assert json.loads(headers)["colour"] == "red"


@pytest.mark.parametrize(
    "envelope",
    [
        Envelope(b"{}", json.dumps(CALL | {"args": [float("nan"), "\ud800"]}).encode()),
        Envelope(
            b"", json.dumps(CALL | {"args": [{"__type__": "date", "__value__": "2026-11-22"}]}).encode()
        ),
        Envelope(b"null", yaml.safe_dump(CALL).encode(), YAML),
        Envelope(b"{}", msgpack.packb(CALL | {"args": [b"bytes", msgpack.ExtType(5, b"x")]}), MSGPACK),
        Envelope(b'{"compression": "application/x-gzip"}', zlib.compress(json.dumps(CALL).encode())),
    ],
)
def test_every_form_is_read(envelope: Envelope) -> None:
    headers = headers_of(envelope)

    assert headers is not None
    assert json.loads(headers)["task"] == "proj.add"


class _Bomb:
    def __reduce__(self) -> Any:
        return (pytest.fail, ("it was unpickled",))


@pytest.mark.parametrize(
    "envelope",
    [
        Envelope(b"{}", pickle.dumps(_Bomb()), "application/x-python-serialize"),
        Envelope(b"{}", b"!!python/object/apply:pytest.fail ['it was run']", YAML),
        Envelope(b"{}", b"raw", "application/data"),
        Envelope(b"{}", b"rubbish"),
        Envelope(b"{}", b"[" * 100_000),
        Envelope(b"{}", b"[]"),
        Envelope(b"{}", b'{"id": "1"}'),
        Envelope(b"[]", json.dumps(CALL).encode()),
        Envelope(b"{}", b"\xc1", MSGPACK),
        Envelope(b"{}", b"\x90", MSGPACK),
        Envelope(b"{}", b"a: [", YAML),
        Envelope(b"{}", b"5: 6", YAML),
        Envelope(b'{"compression": "snappy"}', json.dumps(CALL).encode()),
        Envelope(b'{"compression": "gzip"}', json.dumps(CALL).encode()),
        Envelope(b'{"compression": "gzip"}', zlib.compress(json.dumps(CALL).encode() + b" " * 50_000_000)),
        Envelope(b"{}", yaml.safe_dump(CALL).encode() + b"# too long" * 10_000, YAML),
    ],
)
def test_what_cannot_be_read_quickly_and_safely_is_left_to_the_child(envelope: Envelope) -> None:
    assert headers_of(envelope) is None
