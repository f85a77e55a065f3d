"""Where a message goes on a broker with exchanges: from what call, task and routes say, by Celery's rules.

Used by the publisher. Other brokers have no use for it: a queue's name is all they need.
"""

from typing import Final, NamedTuple

from sedano.errors import NotSupported
from sedano.queues.exchange import DIRECT, FANOUT
from sedano.queues.queue_table import QueueTable
from sedano.settings.sections import Settings
from sedano.settings.wiring import Wiring
from sedano.tasks.options import TaskOptions


class Address(NamedTuple):
    """Without an exchange, the message goes to the queue by its name."""

    #: The queue that was named; empty where an exchange alone says where.
    queue: str
    exchange: str = ""
    routing_key: str = ""
    #: What the exchange says of its messages.
    delivery_mode: int | None = None


class Addresses:
    """Finds them. Thread-safe.

    Args:
        table: The application's queues.
        default_queue: That of calls that name none.
    """

    def __init__(self, table: QueueTable, default_queue: str) -> None:
        self._table = table
        self._default_queue = default_queue
        self._by_name: dict[str, Address] = {}

    @classmethod
    def from_settings(cls, settings: Settings) -> "Addresses":
        """As the settings describe the queues."""
        return cls(QueueTable(Wiring.from_settings(settings).queues), settings.tasks.default_queue)

    def find(self, queue: str | None, call: TaskOptions, route: TaskOptions) -> Address:
        """Where a call goes.

        Args:
            queue: What call, task or route says, the first of them that says something.
            call: What the call says besides.
            route: What its route says besides.

        Raises:
            NotSupported: an exchange's rules are meant, but not said.
            QueueNotFound: the queue may not be made.
        """
        exchange = call.exchange or route.exchange
        routing_key = call.routing_key or route.routing_key
        if exchange is None and routing_key is None:
            return self.of_queue(queue or self._default_queue)
        if exchange is not None and routing_key is not None:
            return Address(queue or "", exchange, routing_key)
        named = self._table.find(queue or self._default_queue)
        declared = named.name if queue and not named.is_of_one_node else ""
        known = self._table.exchange(exchange) if exchange is not None else named.exchange
        kind = call.exchange_type or route.exchange_type or (known.type if known is not None else DIRECT)
        if kind != DIRECT and exchange is None:
            return Address(declared, named.exchange.name, routing_key or "")
        if kind == FANOUT:
            return Address(declared, exchange or "")
        if kind != DIRECT and queue:
            return Address(declared, exchange or "", named.routing_key)
        if exchange is not None and exchange not in (named.exchange.name, named.name):
            raise NotSupported(
                f"exchange: {exchange!r} alone does not say which queue: give routing_key= as well, or "
                "queue= instead."
            )
        if routing_key is not None and queue is None and routing_key not in (named.routing_key, named.name):
            raise NotSupported(
                f"routing_key: {routing_key!r} alone says nothing to a direct exchange: give queue=, or "
                "exchange= as well."
            )
        return self.of_queue(named.name)

    def of_queue(self, name: str) -> Address:
        """Where a message for a queue goes: to its exchange, unless that is a direct one.

        Raises:
            QueueNotFound: the queue may not be made.
        """
        address = self._by_name.get(name)
        if address is None:
            queue = self._table.find(name)
            mode = queue.exchange.delivery_mode
            mode = mode if isinstance(mode, int) else None
            if queue.exchange.type == DIRECT:
                address = Address(queue.name, delivery_mode=mode)
            else:
                # A queue of each node's own: this process's would be one that nobody reads.
                named = "" if queue.is_of_one_node else queue.name
                address = Address(named, queue.exchange.name, queue.routing_key, mode)
            self._by_name[name] = address
        return address


#: What to do where the broker has no exchanges.
WITHOUT: Final = "this option of a call is for RabbitMQ, and the broker is another. Give queue= instead."


def refuse_exchanges(*options: TaskOptions) -> None:
    """For brokers without exchanges.

    Raises:
        NotSupported: one of these asks for an exchange.
    """
    for given in options:
        for name in ("exchange", "exchange_type", "routing_key"):
            if getattr(given, name) is not None:
                raise NotSupported(f"{name}: {WITHOUT}")
