"""What is written is read as it was, whatever it is; and encode never writes what decode refuses."""

import json
import math
import uuid
from datetime import timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sedano.errors import MessageError, NotSerializable
from sedano.message import json_types
from sedano.message.celery_v2 import encode
from sedano.message.decoding import decode
from sedano.message.header_peek import peek
from sedano.message.representation import represent
from sedano.message.task_message import TaskMessage

#: No limit to the time of one example: other work may share the machine.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

any_text = st.text(st.characters(exclude_categories=()))
text = st.text()
offsets = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))

plain_scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | any_text
tagged_scalars = (
    st.datetimes(timezones=st.none() | offsets)
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.decimals(allow_nan=False)
    | st.uuids()
    | st.binary()
)
keys = any_text.filter(lambda key: key != "__type__")


# Composite, because the text of the whole strategy would be longer than Hypothesis likes to print.
@st.composite
def scalars(draw: st.DrawFn) -> Any:
    return draw(plain_scalars | tagged_scalars)


@st.composite
def set_members(draw: st.DrawFn) -> Any:
    return draw(
        st.recursive(
            scalars(),
            lambda member: st.tuples(member, member) | st.frozensets(member, max_size=3),
            max_leaves=6,
        )
    )


@st.composite
def any_values(draw: st.DrawFn) -> Any:
    sets = st.sets(set_members(), max_size=3) | st.frozensets(set_members(), max_size=3)
    return draw(
        st.recursive(
            scalars() | sets,
            lambda value: st.lists(value, max_size=4) | st.dictionaries(keys, value, max_size=4),
            max_leaves=12,
        )
    )


values = any_values()
signatures = st.fixed_dictionaries({"task": text, "args": st.lists(plain_scalars, max_size=3)})
moments = st.datetimes(timezones=st.none() | offsets).map(lambda moment: moment.isoformat())
seconds = st.none() | st.floats(0, 1e9)
names = st.text(min_size=1, max_size=20)
custom_names = st.text(max_size=10).map(lambda name: "x-" + name)

messages = st.builds(
    TaskMessage,
    id=names,
    task=names,
    args=st.lists(values, max_size=4),
    kwargs=st.dictionaries(any_text, values, max_size=4),
    callbacks=st.none() | st.lists(signatures, max_size=2),
    errbacks=st.none() | st.lists(signatures, max_size=2),
    chain=st.none() | st.lists(signatures, max_size=2),
    chord=st.none() | signatures,
    shadow=st.none() | any_text,
    eta=st.none() | moments.filter(lambda moment: "0002" < moment[:4] < "9999"),
    expires=st.none() | moments.filter(lambda moment: "0002" < moment[:4] < "9999"),
    group=st.none() | text,
    group_index=st.none() | st.integers(-(2**63), 2**63 - 1),
    retries=st.integers(0, 2**31 - 1),
    time_limit=seconds,
    soft_time_limit=seconds,
    root_id=names,
    parent_id=st.none() | names,
    origin=st.none() | text,
    ignore_result=st.none() | st.booleans(),
    replaced_task_nesting=st.integers(0, 100),
    stamped_headers=st.none() | st.lists(text, max_size=2),
    stamps=st.dictionaries(text, plain_scalars, max_size=2).filter(lambda stamps: "__type__" not in stamps),
    headers=st.dictionaries(custom_names, values, max_size=3),
    reply_to=st.none() | text,
    correlation_id=names,
    priority=st.integers(0, 255),
)


@unhurried
@given(value=values)
def test_json_reads_what_it_wrote(value: Any) -> None:
    assert json_types.loads(json_types.dumps(value)) == value


@unhurried
@given(value=values)
def test_json_without_our_own_tags_is_what_pythons_json_reads(value: Any) -> None:
    assert json.loads(json_types.dumps(value), object_hook=json_types._read_tagged) == value


@unhurried
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_json_is_read_as_python_reads_it(value: Any) -> None:
    for written in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        assert repr(json_types.loads(written)) == repr(json.loads(written))


@unhurried
@given(message=messages, compression=st.sampled_from([None, "gzip", "bzip2", "lzma"]))
def test_a_message_is_read_as_it_was_written(message: TaskMessage, compression: str | None) -> None:
    envelope = encode(message, compression=compression)

    back = decode(envelope, accept={"json"})

    # An empty embed is written as none at all, as Celery reads it.
    for field in ("callbacks", "errbacks", "chain"):
        setattr(message, field, getattr(message, field) or getattr(back, field))
    assert back == message


@unhurried
@given(message=messages)
def test_a_message_that_was_read_can_be_written_again(message: TaskMessage) -> None:
    read = decode(encode(message), accept={"json"})

    assert decode(encode(read), accept={"json"}) == read


@unhurried
@given(message=messages)
def test_a_peek_sees_what_a_full_reading_sees(message: TaskMessage) -> None:
    envelope = encode(message)
    found = peek(envelope.headers)

    if found is None:
        # Only a header with half a surrogate pair, or with what only Python's JSON has, is left to the child.
        with pytest.raises(msgspec.DecodeError):
            msgspec.json.decode(envelope.headers)
        return
    back = decode(envelope, accept={"json"})
    for field in ("task", "id", "eta", "expires", "retries", "root_id", "parent_id", "group", "shadow"):
        assert getattr(found, field) == getattr(back, field)
    assert found.timelimit == (back.time_limit, back.soft_time_limit)
    assert (found.argsrepr, found.kwargsrepr) == (back.argsrepr, back.kwargsrepr)


@unhurried
@given(value=st.recursive(plain_scalars, lambda v: st.lists(v) | st.dictionaries(text, v)))
@pytest.mark.parametrize("serializer", ["yaml", "msgpack", "pickle"])
def test_other_serializers_read_what_they_wrote(serializer: str, value: Any) -> None:
    message = TaskMessage(id="1", task="t", args=[value])
    try:
        envelope = encode(message, serializer=serializer)
    except NotSerializable:
        return  # msgpack has no integers of more than 64 bits, neither has half surrogate pairs

    assert list(decode(envelope, accept={serializer}).args) == [value]


odd_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    any_text,
    st.binary(max_size=5),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(any_text | st.integers(), st.integers(), max_size=2),
    st.just(object()),
    st.uuids(),
    st.decimals(),
)


@unhurried
@given(field=st.sampled_from(TaskMessage.__struct_fields__), value=odd_values)
@example(field="time_limit", value=math.nan)
@example(field="time_limit", value=math.inf)
@example(field="retries", value=True)
@example(field="id", value=uuid.UUID(int=5))
@example(field="shadow", value=Decimal(1))
def test_a_call_with_an_odd_value_is_refused_at_once_or_can_be_read(field: str, value: Any) -> None:
    message = TaskMessage(id="1", task="t", args=[1], kwargs={"a": 2})
    setattr(message, field, value)
    try:
        envelope = encode(message)
    except MessageError:
        return

    decode(envelope, accept={"json"})


class Unruly:
    """An object whose repr is whatever a test wants."""

    def __init__(self, shown: Any) -> None:
        self._shown = shown

    def __repr__(self) -> str:
        return self._shown  # type: ignore[no-any-return]


@unhurried
@given(
    value=st.recursive(
        values | st.binary().map(bytearray) | (any_text | st.integers()).map(Unruly),
        lambda value: st.lists(value) | st.tuples(value, value) | st.dictionaries(keys, value),
    ),
    max_length=st.integers(10, 200),
    max_levels=st.integers(0, 5),
)
def test_any_value_has_a_short_text_that_can_be_encoded(value: Any, max_length: int, max_levels: int) -> None:
    shown = represent(value, max_length=max_length, max_levels=max_levels)

    shown.encode("utf-8")
    assert len(shown) <= max_length
