"""py-amqp's connection and channel, but for what they do when the server closes one.

Made by ``AmqpLink``. A channel that the server closed stays closed and says why: py-amqp would open it again,
without its consumers and its confirms.
"""

from collections.abc import Callable
from struct import Struct
from typing import Any, Final

import amqp
from amqp import spec

from sedano.amqp.failures import ChannelClosed
from sedano.amqp.wire import Wire

_delivery_tag: Final = Struct(">Q").unpack_from
_WHILE_CLOSING: Final = (spec.Channel.Close, spec.Channel.CloseOk)


def _read_short(payload: bytes, place: int) -> tuple[str, int]:
    end = place + 1 + payload[place]
    return payload[place + 1 : end].decode("utf-8", "surrogatepass"), end


class AmqpChannel(amqp.Channel):  # type: ignore[misc]
    """A channel of an ``AmqpLink``. Bodies are bytes."""

    def __init__(self, connection: Any, channel_id: int | None = None, **rest: Any) -> None:
        super().__init__(connection, channel_id, **{**rest, "auto_decode": False})

    def dispatch_method(self, method: Any, payload: bytes, content: Any) -> None:
        if self.is_closing and method not in _WHILE_CLOSING:
            return  # what was on its way; py-amqp logs each of them
        if method == spec.Basic.Deliver:
            self._deliver(payload, content)
        else:
            super().dispatch_method(method, payload, content)

    def _deliver(self, payload: bytes, message: Any) -> None:
        """As the rest, with less ado: there is one of these for each message."""
        consumer, place = _read_short(payload, 4)
        (number,) = _delivery_tag(payload, place)
        exchange, place_of_key = _read_short(payload, place + 9)
        routing_key, _ = _read_short(payload, place_of_key)
        self._on_basic_deliver(consumer, number, bool(payload[place + 8]), exchange, routing_key, message)

    def _on_close(self, code: int, reason: str, class_id: int, method_id: int) -> None:
        number = self.channel_id
        self.send_method(spec.Channel.CloseOk)
        expected = self.is_closing
        self.collect()
        if not expected:
            raise ChannelClosed(number, code, reason)


class AmqpConnection(amqp.Connection):  # type: ignore[misc]
    """A connection of an ``AmqpLink``."""

    Channel = AmqpChannel
    # With the reason, which py-amqp does not read.
    _METHODS = amqp.Connection._METHODS | {spec.Connection.Blocked: spec.method(spec.Connection.Blocked, "s")}

    def __init__(self, make_wire: Callable[[str, float], Wire], **rest: Any) -> None:
        self._make_wire = make_wire
        super().__init__(**rest)

    def Transport(self, host: str, connect_timeout: float, *_: Any, **__: Any) -> Wire:
        return self._make_wire(host, connect_timeout)

    def _on_blocked(self, reason: str) -> None:
        self.on_blocked(reason)

    def on_inbound_method(self, channel_id: int, method: Any, payload: bytes, content: Any) -> None:
        channel = (self.channels or {}).get(channel_id)
        if channel is not None:  # else it was closed while this was on its way
            channel.dispatch_method(method, payload, content)
