"""What has to be there before a message can be sent or consumed: queues, exchanges, bindings, as Celery has.

Used by publishers and leases, each on its own connection. What exists otherwise is used as it is.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sedano.amqp.failures import ChannelClosed
from sedano.amqp.link import AmqpLink
from sedano.queues.definition import QueueDefinition
from sedano.queues.exchange import DIRECT, Exchange
from sedano.queues.queue_table import QueueTable

logger = logging.getLogger(__name__)

_REFUSED, _LOCKED, _OTHERWISE = 403, 405, 406
#: Of these things at these places we have said that they are other than we would make them; once is enough.
_told: set[tuple[str, str, int]] = set()


class Declaring:
    """A channel on which things are declared; a new one after each refusal."""

    def __init__(self, link: AmqpLink) -> None:
        self._link = link
        self._channel: Any = None

    @property
    def channel(self) -> Any:
        """For what is not declared here."""
        if self._channel is None or not self._channel.is_open:
            self._channel = self._link.channel()
        return self._channel

    def close(self) -> None:
        """Nothing more is to be declared. Not waited for, if the connection is gone."""
        if self._channel is not None and self._channel.is_open and self._link.is_open:
            with self._link.within():
                self._channel.close()

    def queue(self, queue: QueueDefinition) -> None:
        """Have this queue. Another one of the same name is used as it is."""
        self.plain_queue(
            queue.name,
            durable=queue.durable,
            exclusive=queue.exclusive,
            auto_delete=queue.auto_delete,
            arguments=queue.arguments,
        )

    def plain_queue(
        self,
        name: str,
        *,
        durable: bool = True,
        exclusive: bool = False,
        auto_delete: bool = False,
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        """The same, of a queue that no user has described."""
        self._have(
            f"queue {name}",
            lambda: self.channel.queue_declare(
                name,
                durable=durable,
                exclusive=exclusive,
                auto_delete=auto_delete,
                arguments=dict(arguments or {}),
            ),
            lambda: self.channel.queue_declare(name, passive=True),
        )

    def exchange(self, exchange: Exchange) -> None:
        """Have this exchange. Another one of the same name is used as it is."""
        self._have(
            f"exchange {exchange.name}",
            lambda: self.channel.exchange_declare(
                exchange.name,
                exchange.type,
                durable=exchange.durable,
                auto_delete=exchange.auto_delete,
                arguments=dict(exchange.arguments or {}),
            ),
            lambda: self.channel.exchange_declare(exchange.name, exchange.type, passive=True),
        )

    def find_exchange(self, name: str) -> None:
        """Raise if it is not there. A publication that did not find it would take down others with it."""
        with self._link.within():
            self.channel.exchange_declare(name, DIRECT, passive=True)

    def bind(
        self, queue: str, exchange: str, routing_key: str, arguments: Mapping[str, Any] | None = None
    ) -> None:
        """Have the exchange hand such messages to the queue."""
        self._have(
            f"binding of the queue {queue}",
            lambda: self.channel.queue_bind(queue, exchange, routing_key, arguments=dict(arguments or {})),
            lambda: None,
        )

    def bind_exchange(self, following: str, exchange: str, routing_key: str) -> None:
        """Have the exchange hand such messages to another one."""
        self._have(
            f"binding of the exchange {following}",
            lambda: self.channel.exchange_bind(following, exchange, routing_key),
            lambda: None,
        )

    def _have(self, what: str, declare: Callable[[], object], look: Callable[[], object]) -> None:
        try:
            with self._link.within():
                declare()
        except ChannelClosed as error:
            if error.code not in (_REFUSED, _LOCKED, _OTHERWISE):
                raise
            try:
                with self._link.within():
                    look()
            except ChannelClosed as second:
                # We may neither make it nor look: whoever uses it will see.
                if second.code not in (_REFUSED, _LOCKED):
                    raise error from second
            _tell_once(self._link.location.identity, what, error)


def _tell_once(place: str, what: str, error: ChannelClosed) -> None:
    if (place, what, error.code) in _told:
        return
    _told.add((place, what, error.code))
    if error.code == _OTHERWISE:
        logger.warning("The %s exists with other settings, and is used as it is: %s", what, error.reason)
    else:
        logger.warning("The %s cannot be declared by us: %s", what, error.reason)


class Topology:
    """The application's queues, on one server. Thread-safe: at worst something is declared twice.

    Args:
        queues: What they are.
    """

    def __init__(self, queues: QueueTable) -> None:
        self.queues = queues
        self._declared: set[str] = set()
        self._declared_exchanges: set[str] = set()

    def names(self) -> set[str]:
        """The queues that are named in the settings, and those that have been used."""
        return {queue.name for queue in self.queues.named} | self._declared

    def have(self, link: AmqpLink, names: Iterable[str]) -> None:
        """Declare those of these queues that have not been declared.

        Raises:
            BrokerError: The server does not let us.
            QueueNotFound: Nobody has described it, and none may be made.
        """
        missing = [name for name in dict.fromkeys(names) if name not in self._declared]
        if not missing:
            return
        declaring = Declaring(link)
        for name in missing:
            queue = self.queues.find(name)
            if not queue.no_declare:
                _declare(declaring, queue)
            self._declared.add(name)
        declaring.close()

    def have_exchange(self, link: AmqpLink, name: str) -> None:
        """Declare an exchange that a queue is bound to, and the named queues behind it.

        Raises:
            ChannelClosed: Nobody has described it, and it is not there.
        """
        if name in self._declared_exchanges:
            return
        exchange = self.queues.exchange(name)
        declaring = Declaring(link)
        if exchange is None:
            declaring.find_exchange(name)
        elif not exchange.no_declare:
            declaring.exchange(exchange)
        for queue in self.queues.named:
            if not (queue.no_declare or queue.is_of_one_node) and name in _exchanges_of(queue):
                _declare(declaring, queue)
        declaring.close()
        self._declared_exchanges.add(name)

    def is_broadcast(self, exchange: str) -> bool:
        """Whether the queues behind an exchange are of one node each, so that there may be none."""
        return any(queue.is_of_one_node and queue.exchange.name == exchange for queue in self.queues.named)

    def forget(self, names: Iterable[str]) -> None:
        """They are not there any more: queues, or exchanges."""
        for name in names:
            self._declared.discard(name)
            self._declared_exchanges.discard(name)


def _exchanges_of(queue: QueueDefinition) -> set[str]:
    return {queue.exchange.name, *(binding.exchange.name for binding in queue.bindings)}


def _declare(declaring: Declaring, queue: QueueDefinition) -> None:
    """The queue, and the ways into it; as Celery does."""
    bindings = [(queue.exchange, queue.routing_key, queue.binding_arguments)]
    bindings += [(one.exchange, one.routing_key, one.arguments) for one in queue.bindings]
    for exchange, _, _ in bindings:
        if exchange.name and not exchange.no_declare:
            declaring.exchange(exchange)
    declaring.queue(queue)
    for exchange, routing_key, arguments in bindings:
        if exchange.name:
            declaring.bind(queue.name, exchange.name, routing_key, arguments)
