"""What the settings say of queues, in one value that a node's parent can be handed."""

import msgspec

from sedano.queues.definition import QueueDefinition
from sedano.queues.exchange import DIRECT


class QueueRules(msgspec.Struct, frozen=True, kw_only=True):
    """The queues that were named, and how the others are made."""

    default_queue: str = "celery"
    #: ``classic`` or ``quorum``: of the default queue, where no queues are named.
    default_queue_type: str = "classic"
    #: None: the default queue's name.
    default_exchange: str | None = None
    default_exchange_type: str = DIRECT
    #: None: the default queue's name.
    default_routing_key: str | None = None
    #: None: the default queue alone.
    queues: tuple[QueueDefinition, ...] | None = None
    #: Whether a queue that is named nowhere is made.
    create_missing: bool = True
    missing_queue_type: str = "classic"
    #: None: direct.
    missing_exchange_type: str | None = None
    #: ``x-max-priority`` of queues that do not say.
    max_priority: int | None = None
