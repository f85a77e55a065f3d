"""An exchange of RabbitMQ: where messages go in, to be handed to the queues that are bound to it."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, Final

DIRECT: Final = "direct"
FANOUT: Final = "fanout"


@dataclass(frozen=True, slots=True)
class Exchange:
    """Takes what kombu's takes. The default exchange has no name: it leads to each queue by the queue's name.

    >>> Exchange("media", type="topic").durable
    True
    """

    name: str = ""
    #: ``direct``, ``topic``, ``fanout``, ``headers``, or what a plugin of the server adds.
    type: str = DIRECT
    _: KW_ONLY
    durable: bool = True
    auto_delete: bool = False
    arguments: Mapping[str, Any] | None = None
    #: Of the messages that go through it: 2 (``persistent``) or 1 (``transient``); None leaves it to others.
    delivery_mode: int | str | None = None
    #: It is there already: never declare it.
    no_declare: bool = False
