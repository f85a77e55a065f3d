"""All queues of an application, by name: those that the settings describe, and those made when named.

Used by the publisher, to find out where a message goes, and by brokers with exchanges, to declare. The rules
are Celery's, so that both declare the same.
"""

from typing import Final

import msgspec

from sedano.errors import ConfigurationError, QueueNotFound
from sedano.queues.definition import QueueDefinition
from sedano.queues.exchange import DIRECT, Exchange
from sedano.queues.rules import QueueRules

CLASSIC: Final = "classic"
QUORUM: Final = "quorum"


class QueueTable:
    """Thread-safe.

    >>> QueueTable(QueueRules()).find("mails").exchange
    Exchange(name='mails', type='direct', durable=True, auto_delete=False, arguments=None, \
delivery_mode=None, no_declare=False)
    """

    def __init__(self, rules: QueueRules) -> None:
        self._rules = rules
        self._default_exchange = Exchange(
            rules.default_exchange or rules.default_queue, rules.default_exchange_type
        )
        self.default_routing_key = rules.default_routing_key or rules.default_queue
        named = rules.queues or (self._default_queue(),)
        #: Those that are consumed from, where nobody chooses.
        self.named: tuple[QueueDefinition, ...] = tuple(map(self._completed, named))
        self._known: dict[str, QueueDefinition] = {}
        for queue in self.named:
            self._known[queue.name] = queue
        for queue in self.named:
            if queue.alias:
                self._known[queue.alias] = queue
        self._exchanges = {
            exchange.name: exchange
            for queue in self.named
            for exchange in (queue.exchange, *(binding.exchange for binding in queue.bindings))
        }

    def find(self, name: str) -> QueueDefinition:
        """The queue of this name or alias, made if need be.

        Raises:
            QueueNotFound: there is none, and ``task_create_missing_queues`` is off.
        """
        queue = self._known.get(name)
        if queue is None:
            queue = self._known[name] = self._missing(name)
        return queue

    @property
    def has_quorum(self) -> bool:
        """Whether one of them is a quorum queue: then Celery's clients have the server keep delayed calls."""
        return any(queue.type == QUORUM for queue in list(self._known.values()))

    def exchange(self, name: str) -> Exchange | None:
        """The exchange of this name, if a queue that was described is bound to it."""
        return self._exchanges.get(name)

    def _default_queue(self) -> QueueDefinition:
        rules = self._rules
        arguments = {"x-queue-type": QUORUM} if rules.default_queue_type == QUORUM else {}
        return QueueDefinition(name=rules.default_queue, arguments=arguments)

    def _missing(self, name: str) -> QueueDefinition:
        rules = self._rules
        if not rules.create_missing:
            raise QueueNotFound(
                f"The queue {name!r} is not in task_queues, and task_create_missing_queues is off."
            )
        arguments = {"x-queue-type": QUORUM} if rules.missing_queue_type == QUORUM else {}
        exchange = Exchange(name, rules.missing_exchange_type or DIRECT)
        return self._completed(
            QueueDefinition(name=name, exchange=exchange, routing_key=name, arguments=arguments)
        )

    def _completed(self, queue: QueueDefinition) -> QueueDefinition:
        exchange, arguments, limit = queue.exchange, queue.arguments, self._rules.max_priority
        if not exchange.name:
            if exchange.type != DIRECT:
                raise ConfigurationError(
                    f"task_queues: the queue {queue.name!r} has an exchange of the type {exchange.type!r} "
                    "without a name; give it one."
                )
            exchange = self._default_exchange
        # The server refuses it to quorum queues and streams.
        if limit is not None and queue.type == CLASSIC:
            arguments = {"x-max-priority": limit, **arguments}
        return msgspec.structs.replace(
            queue,
            exchange=exchange,
            routing_key=queue.routing_key or self.default_routing_key,
            arguments=arguments,
        )
