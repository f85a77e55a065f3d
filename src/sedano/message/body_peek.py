"""What a node's parent reads of a message of protocol 1, whose body alone names the task.

Called by brokers whose messages are sent by others. Whatever it cannot read it leaves to a child, which
decodes the whole message and says what is wrong with it. Runs no code that a message names: never pickle.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from sedano.errors import MessageError
from sedano.message import json_types, task_headers
from sedano.message.compression import decompress
from sedano.message.envelope import Envelope
from sedano.message.serializers import find_serializer


class _Call(msgspec.Struct):
    task: Any = None
    id: Any = None
    group: Any = None
    #: What groups were called before Celery 3.
    taskset: Any = None
    eta: Any = None
    expires: Any = None
    retries: Any = None
    timelimit: Any = None


_decode_json: Final = msgspec.json.Decoder(_Call).decode
_decode_msgpack: Final = msgspec.msgpack.Decoder(_Call).decode


def headers_of(envelope: Envelope) -> bytes | None:
    """The headers that protocol 2 would have given the message, added to its own; None if it cannot tell.

    >>> headers_of(Envelope(b'{"x": 1}', b'{"task": "proj.add", "id": "1", "args": [1, 2]}'))
    b'{"task":"proj.add","id":"1","x":1}'
    """
    read, largest = _readers.get(envelope.content_type, (_read_nothing, 0))
    if len(envelope.body) > largest:
        return None
    try:
        headers = task_headers.read_object(envelope.headers)
        body = envelope.body
        if headers.get("compression"):
            body = decompress(body, headers["compression"], max_size=largest)
        call = read(body)
        call.group = call.group or call.taskset
        call.taskset = None
        said = {name: value for name, value in msgspec.structs.asdict(call).items() if value is not None}
        return json_types.dumps({**said, **headers}).encode() if "task" in said else None
    except (MessageError, ValueError, TypeError, RecursionError):
        return None


def _read_json(body: bytes) -> _Call:
    try:
        return _decode_json(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        return msgspec.convert(json_types.loads(body), _Call)


def _read_yaml(body: bytes) -> _Call:
    return msgspec.convert(find_serializer("yaml").loads(body), _Call)


def _read_nothing(body: bytes) -> _Call:
    raise MessageError


#: By content type: what reads it, and the most bytes it may have. A thread that looks after a lease reads
#: them, so no message may take it long: YAML is a thousand times slower than the others.
_readers: Final[dict[str, tuple[Callable[[bytes], _Call], int]]] = {
    "application/json": (_read_json, 8 * 1024 * 1024),
    "application/x-msgpack": (_decode_msgpack, 8 * 1024 * 1024),
    "application/x-yaml": (_read_yaml, 64 * 1024),
}
