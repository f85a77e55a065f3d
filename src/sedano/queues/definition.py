"""A queue as brokers declare it: all that a user's description of it says."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from sedano.queues.binding import Binding
from sedano.queues.exchange import DIRECT, FANOUT, Exchange

#: What kombu names the queues that each node has for itself.
BROADCAST_PREFIX: Final = "bcast."


class QueueDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """Made by ``reading``, completed by ``QueueTable``, which fills in what was left to the settings."""

    name: str
    #: Without a name: that of the settings.
    exchange: Exchange = Exchange()
    #: Empty: that of the settings.
    routing_key: str = ""
    bindings: tuple[Binding, ...] = ()
    durable: bool = True
    exclusive: bool = False
    auto_delete: bool = False
    #: For ``queue.declare``, the server's own names: ``x-max-priority``, ``x-expires`` (ms) and so on.
    arguments: Mapping[str, Any] = {}
    binding_arguments: Mapping[str, Any] | None = None
    #: For ``basic.consume``.
    consumer_arguments: Mapping[str, Any] | None = None
    alias: str | None = None
    #: Neither the queue nor its exchange is to be declared.
    no_declare: bool = False

    @property
    def is_reached_by_name(self) -> bool:
        """No exchange's rules are needed to find it."""
        return (
            self.exchange.name in ("", self.name)
            and self.exchange.type == DIRECT
            and self.routing_key in ("", self.name)
            and not self.bindings
        )

    @property
    def is_of_one_node(self) -> bool:
        """A broadcast queue: nobody but the process that made up its name consumes it."""
        return self.exchange.type == FANOUT and self.name.startswith(BROADCAST_PREFIX)

    @property
    def type(self) -> str:
        """``classic``, ``quorum`` or ``stream``."""
        return str(self.arguments.get("x-queue-type", "classic"))
