"""What the parent reads of a message."""

import json

import pytest

from sedano.message.celery_v2 import encode
from sedano.message.header_peek import peek
from sedano.message.task_message import TaskMessage


def test_the_headers_that_admission_needs_are_read() -> None:
    sent = TaskMessage(
        id="an-id",
        task="proj.add",
        args=(1,),
        eta="2026-11-22T04:55:37+00:00",
        retries=2,
        time_limit=30,
        shadow="nice",
        ignore_result=True,
        headers={"x": [1]},
    )

    found = peek(encode(sent).headers)

    assert found is not None
    assert (found.task, found.id, found.eta, found.retries) == (sent.task, sent.id, sent.eta, 2)
    assert (found.timelimit, found.shadow, found.ignore_result) == ((30, None), "nice", True)
    assert (found.argsrepr, found.kwargsrepr, found.root_id) == ("(1,)", "{}", "an-id")


@pytest.mark.parametrize("odd", [b"NaN", b"-Infinity", b'"\\ud800"'])
def test_what_only_python_reads_as_json_hides_no_time(odd: bytes) -> None:
    found = peek(b'{"task": "t", "id": "1", "x": %s, "eta": "2026-11-22T04:55:37+00:00"}' % odd)

    assert found is not None
    assert found.eta == "2026-11-22T04:55:37+00:00"


@pytest.mark.parametrize(
    "headers",
    [
        b"",
        b"{}",
        b"null",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b'{"task": "t"}',
        b'{"task": "t", "id": 5}',
        b'{"task": "t", "id": ""}',
        b'{"task": "t", "id": "1", "retries": "3"}',
        b'{"task": "t", "id": "1", "retries": -3}',
        b'{"task": "t", "id": "1", "eta": "soon"}',
        b'{"task": "t", "id": "1", "expires": "0001-01-01T00:00:00+14:00"}',
        b'{"task": "t", "id": "1", "timelimit": [1]}',
        json.dumps({"task": "t", "id": "1", "retries": 2**80}).encode(),
    ],
)
def test_what_is_not_plainly_protocol_2_is_left_to_the_child(headers: bytes) -> None:
    assert peek(headers) is None
