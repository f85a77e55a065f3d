"""From frames to methods: what ``AmqpLink`` does with each frame that has come.

Takes the place of py-amqp's, for the sake of how the head of a message is read.
"""

from collections.abc import Callable
from struct import Struct
from typing import Any, Final

import amqp
from amqp import spec
from amqp.exceptions import UnexpectedFrame

from sedano.amqp.properties import read_properties

_METHOD, _HEAD, _BODY, _HEARTBEAT = 1, 2, 3, 8
_WITH_CONTENT: Final = frozenset({spec.Basic.Return, spec.Basic.Deliver, spec.Basic.GetOk})
_signature: Final = Struct(">HH").unpack_from
_size_of_body: Final = Struct(">Q").unpack_from


class Received(amqp.Message):  # type: ignore[misc]
    """A message that comes in pieces, behind the method that brings it."""

    def __init__(self, signature: tuple[int, int], payload: bytes) -> None:
        # As py-amqp's two, with less ado: there is one of these for each message.
        self.frame_method = signature
        self.frame_args = payload
        self.properties: dict[str, Any] = {}
        self._pending_chunks: list[bytes] = []
        self.body_received = 0
        self.body_size = 0
        self.ready = False
        self.delivery_info: dict[str, Any] | None = None
        self.body = b""
        self.channel: Any = None

    def inbound_header(self, frame: bytes, offset: int = 0) -> None:
        (self.body_size,) = _size_of_body(frame, offset + 4)
        self.properties = read_properties(frame, offset + 12)
        self.ready = not self.body_size


class Frames:
    """Of one connection.

    Args:
        callback: Takes a whole method: channel, signature, arguments, message.
    """

    def __init__(self, connection: Any, callback: Callable[[int, Any, bytes, Any], object]) -> None:
        self._connection = connection
        self._callback = callback
        #: Channel -> the message that is coming.
        self._coming: dict[int, Received] = {}

    def __call__(self, frame: tuple[int, int, bytes]) -> bool:
        """Take a frame; True if it completed a method, which has been dealt with."""
        kind, channel, payload = frame
        self._connection.bytes_recv += 1
        if kind == _HEARTBEAT:
            return False
        coming = self._coming.get(channel)
        if kind == _METHOD and coming is None:
            signature = _signature(payload, 0)
            if signature in _WITH_CONTENT:
                self._coming[channel] = Received(signature, payload)
                return False
            self._callback(channel, signature, payload, None)
            return True
        if coming is None or kind not in (_HEAD, _BODY):
            raise UnexpectedFrame(f"a frame of the type {kind} came out of turn")
        if kind == _HEAD:
            coming.inbound_header(payload)
        else:
            coming.inbound_body(payload)
        if not coming.ready:
            return False
        del self._coming[channel]
        self._callback(channel, coming.frame_method, coming.frame_args, coming)
        return True
