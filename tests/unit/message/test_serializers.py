"""Serializers: built in, optional, and the user's own."""

import subprocess
import sys

import pytest

from sedano.errors import MalformedMessage, NotSerializable
from sedano.message.celery_v2 import encode
from sedano.message.compression import Compression, find_compression, register_compression
from sedano.message.decoding import decode
from sedano.message.serializers import Serializer, find_serializer, register_serializer
from sedano.message.task_message import TaskMessage


@pytest.mark.parametrize("name", ["json", "yaml", "msgpack", "pickle"])
def test_a_value_comes_back(name: str) -> None:
    serializer = find_serializer(name)
    value = {"text": "ä", "list": [1, None, True, 1.5]}

    assert serializer.loads(serializer.dumps(value)) == value


@pytest.mark.parametrize("name", ["json", "yaml", "msgpack", "pickle", "raw"])
def test_what_cannot_be_written_is_said(name: str) -> None:
    with pytest.raises(NotSerializable, match=f"cannot be written as {name}"):
        find_serializer(name).dumps(lambda: None)


@pytest.mark.parametrize("name", ["json", "yaml", "msgpack", "pickle"])
def test_what_cannot_be_read_is_said(name: str) -> None:
    with pytest.raises(MalformedMessage, match=f"cannot be read as {name}"):
        find_serializer(name).loads(b"\xc1[")


def test_raw_takes_bytes_and_text() -> None:
    raw = find_serializer("raw")

    assert (raw.dumps(b"\xff"), raw.dumps("ä"), raw.loads(b"\xff")) == (b"\xff", "ä".encode(), b"\xff")


def test_a_serializer_of_the_users_can_be_used_for_messages() -> None:
    register_serializer(
        Serializer(
            name="python",
            content_type="application/x-python-literal",
            content_encoding="utf-8",
            write=lambda value: repr(value).encode(),
            read=lambda written: __import__("ast").literal_eval(written.decode()),
        )
    )

    envelope = encode(TaskMessage(id="1", task="t", args=((1, 2),)), serializer="python")

    assert envelope.content_type == "application/x-python-literal"
    assert decode(envelope, accept={"python"}).args == ((1, 2),)


def test_a_compression_of_the_users_can_be_used_for_messages() -> None:
    register_compression(
        Compression(
            name="reverse",
            content_type="application/x-reverse",
            compress=lambda body: body[::-1],
            decompress=lambda body, limit: body[::-1][:limit],
            aliases=("esrever",),
        )
    )

    envelope = encode(TaskMessage(id="1", task="t", args=(1,)), compression="esrever")

    assert decode(envelope, accept={"json"}).args == [1]
    assert find_compression("reverse").content_type == "application/x-reverse"


@pytest.mark.parametrize(("name", "package"), [("yaml", "PyYAML"), ("msgpack", "msgpack")])
def test_a_missing_package_is_named_with_the_extra_that_brings_it(name: str, package: str) -> None:
    program = f"""
import sys
sys.modules[{name!r}] = None
from sedano.errors import ConfigurationError, MalformedMessage
from sedano.message.serializers import find_serializer
try:
    find_serializer({name!r}).dumps(1)
except ConfigurationError as error:
    print(error)
try:
    find_serializer({name!r}).loads(b"1")
except MalformedMessage as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    line = f"The serializer {name!r} needs the package {package}: pip install 'sedano[{name}]'"
    assert said.splitlines() == [line, line]


def test_importing_the_message_package_imports_no_serializer_that_is_not_used() -> None:
    program = """
import sys
import sedano.message.celery_v2, sedano.message.decoding, sedano.message.header_peek
print(sorted({"yaml", "msgpack"} & set(sys.modules)))
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert said.strip() == "[]"
