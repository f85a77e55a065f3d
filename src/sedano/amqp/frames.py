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


class Received(amqp.Message):  # type: ignore[misc]
    """A message that comes in pieces."""

    def _load_properties(self, class_id: int, frame: bytes, start: int) -> int:
        self.properties = read_properties(frame, start)
        return len(frame)


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
        coming = self._coming.get(channel)
        if kind == _HEARTBEAT:
            return False
        if kind == _METHOD and coming is None:
            signature = _signature(payload, 0)
            if signature in _WITH_CONTENT:
                self._coming[channel] = Received(frame_method=signature, frame_args=payload)
                return False
            self._callback(channel, signature, payload, None)
            return True
        if coming is None or kind not in (_HEAD, _BODY):
            raise UnexpectedFrame(f"a frame of the type {kind} came out of turn")
        (coming.inbound_header if kind == _HEAD else coming.inbound_body)(payload)
        if not coming.ready:
            return False
        del self._coming[channel]
        self._callback(channel, coming.frame_method, coming.frame_args, coming)
        return True
