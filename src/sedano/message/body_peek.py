"""What a node's parent reads of bodies: the call, where only that names it; and whether others wait for it.

Called by brokers whose messages are sent by others (protocol 1), and by the node for tasks that it ended.
Whatever it cannot read it leaves to a child, which decodes the whole message and says what is wrong with it.
Runs no code that a message names: never pickle.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

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


class _Embed(msgspec.Struct):
    callbacks: Any = None
    errbacks: Any = None
    chain: Any = None
    chord: Any = None


_Body: TypeAlias = tuple[msgspec.Raw, msgspec.Raw, _Embed | None]

_decode_json: Final = msgspec.json.Decoder(_Call).decode
_decode_msgpack: Final = msgspec.msgpack.Decoder(_Call).decode
_decoders_of_bodies: Final[Mapping[str, Callable[[bytes], _Body]]] = {
    "application/json": msgspec.json.Decoder(_Body).decode,
    "application/x-msgpack": msgspec.msgpack.Decoder(_Body).decode,
}


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


def carries_workflow(envelope: Envelope) -> bool:
    """Whether anything depends on how the task ends, as far as can be told; else it is taken to.

    >>> carries_workflow(Envelope(b"{}", b'[[], {}, {"chain": [{"task": "proj.next"}], "chord": null}]'))
    True
    >>> carries_workflow(Envelope(b"{}", b'[[], {}, {"chain": null, "chord": null}]'))
    False
    """
    decode = _decoders_of_bodies.get(envelope.content_type)
    try:
        embed = decode(envelope.body)[2] if decode is not None else _Embed(chain=True)
    except ValueError:
        return True
    return embed is not None and bool(embed.callbacks or embed.errbacks or embed.chain or embed.chord)


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
