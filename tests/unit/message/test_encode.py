"""Writing calls: what goes out, and what is refused with the argument's name."""

import dataclasses
import enum
import json
import zlib

import pytest

from sedano.errors import (
    ConfigurationError,
    MalformedMessage,
    MessageTooLarge,
    NotSerializable,
    NotSupported,
)
from sedano.message.celery_v2 import encode
from sedano.message.task_message import TaskMessage


def call(*args: object, **kwargs: object) -> TaskMessage:
    return TaskMessage(id="an-id", task="proj.add", args=args, kwargs=kwargs)


def test_a_call_has_the_headers_and_the_body_that_celery_writes() -> None:
    envelope = encode(call(1, 2, user="bob"))

    assert json.loads(envelope.body) == [
        [1, 2],
        {"user": "bob"},
        {"callbacks": None, "errbacks": None, "chain": None, "chord": None},
    ]
    assert json.loads(envelope.headers) == {
        "lang": "py",
        "task": "proj.add",
        "id": "an-id",
        "shadow": None,
        "eta": None,
        "expires": None,
        "group": None,
        "group_index": None,
        "retries": 0,
        "timelimit": [None, None],
        "root_id": "an-id",
        "parent_id": None,
        "argsrepr": "(1, 2)",
        "kwargsrepr": "{'user': 'bob'}",
        "origin": None,
        "ignore_result": None,
        "replaced_task_nesting": 0,
        "stamped_headers": None,
        "stamps": {},
    }
    assert (envelope.content_type, envelope.content_encoding) == ("application/json", "utf-8")
    assert envelope.correlation_id == "an-id"


def test_time_limits_stand_together_with_the_hard_one_first() -> None:
    message = call()
    message.time_limit, message.soft_time_limit = 30, 20.5

    headers = json.loads(encode(message).headers)

    assert headers["timelimit"] == [30, 20.5]


def test_custom_headers_stand_beside_the_known_ones() -> None:
    message = call()
    message.headers = {"x-tenant": "acme", "depth": [1, {"a": None}]}

    headers = json.loads(encode(message).headers)

    assert (headers["x-tenant"], headers["depth"], headers["task"]) == ("acme", [1, {"a": None}], "proj.add")


def test_a_given_representation_of_the_arguments_is_kept() -> None:
    message = call("secret")
    message.argsrepr = "(<hidden>)"

    headers = json.loads(encode(message).headers)

    assert headers["argsrepr"] == "(<hidden>)"


def test_a_compressed_body_is_marked_by_a_header() -> None:
    envelope = encode(call("x" * 1000), compression="gzip")

    assert json.loads(envelope.headers)["compression"] == "application/x-gzip"
    assert json.loads(zlib.decompress(envelope.body))[0] == ["x" * 1000]


class User:
    def __init__(self) -> None:
        self.pk = 5


class Row(User):
    _meta = object()


class Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Point:
    x: int


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        (User(), "Pass an id instead"),
        (Row(), "Pass its primary key"),
        (Colour.RED, r"Pass its \.value"),
        (Point(1), r"Pass dataclasses\.asdict\(\)"),
        ((n for n in "ab"), "Pass a list"),
        (print, "Pass its dotted name"),
    ],
)
def test_an_argument_that_json_cannot_write_is_named_with_what_to_do(value: object, advice: str) -> None:
    with pytest.raises(
        NotSerializable,
        match=rf"proj\.add: argument 'user' \(position 2\): <.*> cannot be written as json\. {advice}",
    ):
        encode(call(1, value), parameters=("number", "user"))


def test_a_positional_argument_without_a_known_name_is_named_by_its_position() -> None:
    with pytest.raises(NotSerializable, match="the positional argument 2: <class 'object'>"):
        encode(call(1, object()))


def test_a_keyword_argument_is_named_with_the_place_inside_it() -> None:
    with pytest.raises(NotSerializable, match=r"argument 'order', in \['lines'\]\[1\]: <class 'object'>"):
        encode(call(1, order={"lines": [1, object()]}))


def test_a_key_that_json_cannot_write_is_named() -> None:
    with pytest.raises(
        NotSerializable, match=r"argument 'seats', in \[0\]: this dict cannot .* keys must be str"
    ):
        encode(call(seats=[{(1, 2): "taken"}]))


def test_an_argument_that_contains_itself_is_named() -> None:
    loop: list[object] = []
    loop.append(loop)

    with pytest.raises(
        NotSerializable, match=r"argument 'loop'.*: it contains itself, or is nested too deeply"
    ):
        encode(call(loop=loop))


def test_an_argument_that_is_nested_too_deeply_is_named() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]

    with pytest.raises(
        NotSerializable, match=r"argument 'deep'.*: it contains itself, or is nested too deeply"
    ):
        encode(call(deep=deep))


def test_an_integer_too_long_for_the_serializer_is_named() -> None:
    with pytest.raises(
        NotSerializable, match=r"argument 'n': <integer of .* bits> cannot be written as json"
    ):
        encode(call(n=10**5000))
    with pytest.raises(
        NotSerializable, match="argument 'n': 1000000000000000000000 cannot be written as msgpack"
    ):
        encode(call(n=10**21), serializer="msgpack")


def test_a_signature_that_cannot_be_written_is_named() -> None:
    message = call(1)
    message.callbacks = [{"task": object()}]

    with pytest.raises(NotSerializable, match=r"proj\.add: callbacks: .* cannot be written as json"):
        encode(message)


def test_the_cause_of_a_refusal_is_kept() -> None:
    with pytest.raises(NotSerializable) as caught:
        encode(call(object()))

    assert isinstance(caught.value.__cause__, TypeError)


def test_a_message_over_the_limit_names_its_largest_argument() -> None:
    with pytest.raises(
        MessageTooLarge,
        match=r"proj\.add: the message has 5,\d{3} bytes; 1,000 are allowed\. "
        r"The largest part is argument 'report' \(position 2\) with 4,002 bytes\. Store the data elsewhere",
    ):
        encode(call("x" * 50, "y" * 4000), max_size=1000, parameters=("title", "report"))


def test_a_message_without_arguments_can_be_too_large_as_well() -> None:
    message = call()
    message.headers = {"blob": "x" * 2000}

    with pytest.raises(MessageTooLarge, match=r"1,000 are allowed\. Store"):
        encode(message, max_size=1000)


def test_the_limit_counts_what_is_sent() -> None:
    envelope = encode(call("x" * 100_000), compression="gzip", max_size=2000)

    assert len(envelope.body) < 1000


def test_what_would_unpack_to_more_than_is_read_is_not_sent() -> None:
    with pytest.raises(MessageTooLarge, match="67,108,864 are allowed"):
        encode(call("x" * (65 * 1024 * 1024)), compression="gzip")


@pytest.mark.parametrize("args", ["abc", 5, None, {"a": 1}, {1, 2}])
def test_positional_arguments_are_a_list_or_a_tuple(args: object) -> None:
    with pytest.raises(MalformedMessage, match="args: expected a list or a tuple"):
        encode(TaskMessage(id="1", task="t", args=args))  # type: ignore[arg-type]


@pytest.mark.parametrize("kwargs", [[1], None, "a"])
def test_keyword_arguments_are_a_dictionary(kwargs: object) -> None:
    with pytest.raises(MalformedMessage, match="kwargs: expected a dictionary"):
        encode(TaskMessage(id="1", task="t", kwargs=kwargs))  # type: ignore[arg-type]


def test_a_name_that_is_no_text_is_refused() -> None:
    with pytest.raises(MalformedMessage, match="kwargs: a name must be text, got 5"):
        encode(TaskMessage(id="1", task="t", kwargs={5: 1}))  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("id", 5, "header 'id': expected text, got 5"),
        ("id", "", "header 'id': expected str of length >= 1"),
        ("id", "half \ud800", "header 'id': .* cannot be encoded"),
        ("task", b"t", "header 'task': expected text"),
        ("retries", "3", "header 'retries': expected int"),
        ("retries", -1, "header 'retries': expected int"),
        ("retries", 10**30, "header 'retries'|out of range"),
        ("eta", "tomorrow", "header 'eta': expected an ISO 8601 date and time, got 'tomorrow'"),
        ("expires", "", "header 'expires': expected an ISO 8601"),
        ("time_limit", -1.0, "header 'timelimit': expected seconds of at least 0"),
        ("time_limit", "60", "header 'timelimit"),
        ("group", 5, "header 'group': expected str"),
        ("shadow", object(), "unsupported"),
        ("headers", {"task": "other"}, "header 'task': the protocol has a header of this name"),
        ("headers", {5: "x"}, "header 5: the name must be text"),
    ],
)
def test_a_header_of_a_wrong_type_is_refused_with_its_name(field: str, value: object, complaint: str) -> None:
    message = call()
    setattr(message, field, value)

    with pytest.raises(MalformedMessage, match=complaint):
        encode(message)


def test_a_custom_header_that_cannot_be_written_is_named() -> None:
    message = call()
    message.headers = {"x-user": object()}

    with pytest.raises(NotSerializable, match="header 'x-user': <class 'object'> cannot be written as json"):
        encode(message)


def test_an_unknown_serializer_is_named_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"'jsno' is no known serializer\. Did you mean 'json'\?"):
        encode(call(), serializer="jsno")


def test_signed_messages_are_refused_clearly() -> None:
    with pytest.raises(NotSupported, match=r"'auth' .signed messages. is not supported by this version"):
        encode(call(), serializer="auth")


def test_an_unknown_compression_is_named_with_the_known_ones() -> None:
    with pytest.raises(
        ConfigurationError, match=r"'zstd' is no known compression.*Known are: bzip2, gzip, lzma"
    ):
        encode(call(), compression="zstd")
