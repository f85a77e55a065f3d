"""One way into a queue."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sedano.queues.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Binding:
    """An exchange hands messages with this routing key to the queue. Takes what kombu's ``binding`` takes."""

    exchange: Exchange = field(default_factory=Exchange)
    routing_key: str = ""
    arguments: Mapping[str, Any] | None = None
