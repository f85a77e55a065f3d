"""The head of a message is written and read as py-amqp does it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import amqp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sedano.amqp.properties import read_properties, write_properties

names = st.text(max_size=40)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=20,
)
shorts = st.text(max_size=60)
heads = st.fixed_dictionaries(
    {},
    optional={
        "content_type": shorts,
        "application_headers": st.dictionaries(names, values, max_size=6),
        "delivery_mode": st.integers(1, 2),
        "priority": st.integers(0, 255),
        "correlation_id": shorts,
        "timestamp": st.integers(0, 2**63),
        "app_id": shorts,
    },
)


def theirs(properties: dict[str, Any]) -> bytes:
    return bytes(amqp.Message(b"", **properties)._serialize_properties())


@given(heads)
def test_what_is_written_is_what_py_amqp_writes(properties: dict[str, Any]) -> None:
    assert write_properties(properties) == theirs(properties)


@given(heads)
def test_what_is_read_is_what_was_written(properties: dict[str, Any]) -> None:
    assert read_properties(b"...." + theirs(properties), 4) == properties


def test_what_is_rare_is_read_as_well() -> None:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    table = {"when": moment, "what": Decimal("1.5"), "more": {"deep": [moment]}, "text": "x"}

    found = read_properties(theirs({"application_headers": table, "priority": 3}), 0)

    assert found["application_headers"]["when"] == moment.replace(tzinfo=None)
    assert found["application_headers"]["what"] == Decimal("1.5")
    assert (found["application_headers"]["text"], found["priority"]) == ("x", 3)


def test_text_that_is_none_is_kept_as_bytes() -> None:
    assert read_properties(theirs({"application_headers": {"a": b"\xff"}}), 0) == {
        "application_headers": {"a": b"\xff"}
    }


@pytest.mark.parametrize("value", [2**63, object(), Decimal(1)])
def test_what_a_table_cannot_hold_is_an_error(value: object) -> None:
    with pytest.raises((ValueError, amqp.exceptions.AMQPError, __import__("struct").error)):
        write_properties({"application_headers": {"a": value}})


def test_a_name_that_is_too_long_is_an_error() -> None:
    with pytest.raises(ValueError, match="256"):
        write_properties({"application_headers": {"x" * 256: 1}})


@given(st.dictionaries(names, values, min_size=1, max_size=6))
def test_each_header_is_found_whether_the_table_has_been_read_or_not(table: dict[str, Any]) -> None:
    written = theirs({"application_headers": table})

    for name, value in table.items():
        assert read_properties(written, 0)["application_headers"].get(name) == value
    assert read_properties(written, 0)["application_headers"].get("x" * 41, "none") == "none"


def test_nothing_behind_an_empty_table_is_taken_for_a_header() -> None:
    found = read_properties(theirs({"application_headers": {}, "correlation_id": "\x01aV"}), 0)

    assert not found["application_headers"]
    assert found["application_headers"].get("a", "none") == "none"


@pytest.mark.parametrize("damage", [b"\x05name", b"\x01a?", b"\x01aI\x00", b"\xff"])
def test_a_damaged_table_is_empty(damage: bytes) -> None:
    frame = write_properties({"application_headers": {}})[:-4] + len(damage).to_bytes(4, "big") + damage

    found = read_properties(frame, 0)["application_headers"]

    assert found.get("a") is None
    assert dict(found) == {}
