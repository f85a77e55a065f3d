"""A queue as users describe it in ``task_queues``."""

from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

from sedano.queues.binding import Binding
from sedano.queues.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Queue:
    """Takes what kombu's takes. What is not given is as the settings say.

    >>> Queue("images", Exchange("media", type="topic"), routing_key="media.image.*").name
    'images'
    """

    name: str
    exchange: Exchange | str | None = None
    routing_key: str = ""
    _: KW_ONLY
    #: Further ways in.
    bindings: Iterable[Binding] = ()
    durable: bool = True
    #: Of the connection that declares it, and gone with it.
    exclusive: bool = False
    #: Gone with its last consumer.
    auto_delete: bool = False
    #: Seconds without any consumer after which it is deleted.
    expires: float | None = None
    #: Seconds after which a message that waits is dropped.
    message_ttl: float | None = None
    max_length: int | None = None
    max_length_bytes: int | None = None
    max_priority: int | None = None
    #: RabbitMQ's own: ``{"x-queue-type": "quorum"}``.
    queue_arguments: Mapping[str, Any] | None = None
    binding_arguments: Mapping[str, Any] | None = None
    consumer_arguments: Mapping[str, Any] | None = None
    #: Another name for it, for those who publish and for ``-Q``.
    alias: str | None = None
    #: It is there already: never declare it, nor its exchange.
    no_declare: bool = False
