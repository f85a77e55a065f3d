"""What members of a chord tell of their ends, in the form in which Celery's workers read and write it."""

import json
import pickle
from typing import Any

import celery
import pytest

from sedano.errors import ResultStoreError
from sedano.results import chord_document


@pytest.fixture
def backend() -> Any:
    return celery.Celery("proj", backend="cache+memory://", set_as_current=False).backend


@pytest.mark.parametrize("value", [None, 3, "text", [1, {"a": 2}], {"nested": [None]}])
def test_a_value_is_written_as_celery_writes_it(backend: Any, value: Any) -> None:
    theirs = backend.encode([1, "id-1", "SUCCESS", backend.encode_result(value, "SUCCESS")])

    ours = chord_document.encode("id-1", "SUCCESS", value)

    assert json.loads(ours) == json.loads(theirs)
    assert backend.decode(ours) == backend.decode(theirs)
    assert chord_document.decode(theirs.encode()).result == value


def test_an_error_is_written_as_celery_writes_it(backend: Any) -> None:
    error = ValueError("bad", 7)
    theirs = backend.encode([1, "id-1", "FAILURE", backend.encode_result(error, "FAILURE")])

    ours = chord_document.encode("id-1", "FAILURE", error)

    assert json.loads(ours) == json.loads(theirs)
    end = chord_document.decode(theirs.encode())
    assert end.has_failed
    assert repr(end.result) == "ValueError('bad', 7)"


def test_pickled_ends_hold_the_error_itself() -> None:
    written = chord_document.encode("id-1", "FAILURE", ValueError("bad"), serializer="pickle")

    assert repr(pickle.loads(written)) == "[1, 'id-1', 'FAILURE', ValueError('bad')]"  # noqa: S301
    assert repr(chord_document.decode(written, serializer="pickle").result) == "ValueError('bad')"


@pytest.mark.parametrize("document", [b"", b"{}", b"[1, 2]", b"not json"])
def test_what_is_no_end_of_a_member_is_an_error(document: bytes) -> None:
    with pytest.raises(ResultStoreError):
        chord_document.decode(document)
