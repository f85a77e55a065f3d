"""One admitted message, for the executor."""

import msgspec

from sedano.brokers.delivery import Delivery
from sedano.execution.ending import Ending
from sedano.execution.slot_kind import PREFORK, SlotKind


class Job(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A delivery, and what the node has decided about it."""

    delivery: Delivery
    #: The message was removed before it ran (``acks_late=False``): its outcome is not fenced.
    acknowledged: bool = False
    #: The limits that hold for this run: the message's, else the task's, else the node's. Seconds.
    time_limit: float | None = None
    soft_time_limit: float | None = None
    #: The task is not to be run: only its end is to be told.
    ending: Ending | None = None
    #: No handler and no signal is told of the end: the process that told them has died of it.
    silent: bool = False
    #: The kind of slot that it was claimed for.
    slot: SlotKind = PREFORK
