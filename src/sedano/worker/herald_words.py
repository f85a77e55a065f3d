"""What happens to a node as a whole, for the receivers of signals, who live in other processes.

Said by the parent (and, in a solo node, by itself), told to receivers by ``worker_signals``.
"""

from collections.abc import Container
from typing import Final, TypeAlias

import msgspec

from sedano.brokers.delivery import Delivery
from sedano.brokers.settlement import Bury, Park, Settlement


class WorkerReady(msgspec.Struct, frozen=True, array_like=True, tag="ready"):
    """Every slot has a child that can work."""


class HeartbeatSent(msgspec.Struct, frozen=True, array_like=True, tag="heartbeat"):
    """The lease was renewed."""


class WorkerShuttingDown(msgspec.Struct, frozen=True, array_like=True, tag="shutting down"):
    """The node was told to stop."""

    #: Such as ``SIGTERM``.
    sig: str
    #: ``Warm`` or ``Cold``.
    how: str
    #: What the node will exit with.
    exitcode: int = 0


class WorkerShutdown(msgspec.Struct, frozen=True, array_like=True, tag="shut down"):
    """Nothing runs any more, and all is settled."""


class TaskUnknown(msgspec.Struct, frozen=True, array_like=True, tag="unknown"):
    """A message was parked: no task of its name is known here."""

    delivery: Delivery


class TaskRejected(msgspec.Struct, frozen=True, array_like=True, tag="rejected"):
    """A message was buried: its headers cannot be read."""

    delivery: Delivery
    reason: str


Word: TypeAlias = (
    WorkerReady | HeartbeatSent | WorkerShuttingDown | WorkerShutdown | TaskUnknown | TaskRejected
)

#: Which signal each of them becomes.
SIGNAL_OF: Final[dict[type[Word], str]] = {
    WorkerReady: "worker_ready",
    HeartbeatSent: "heartbeat_sent",
    WorkerShuttingDown: "worker_shutting_down",
    WorkerShutdown: "worker_shutdown",
    TaskUnknown: "task_unknown",
    TaskRejected: "task_rejected",
}


def word_of_refusal(
    delivery: Delivery, settlement: Settlement, known: Container[str]
) -> TaskUnknown | TaskRejected | None:
    """What receivers hear of a message that was not admitted; None if it only has to wait.

    Args:
        delivery: The message.
        settlement: What became of it.
        known: The names of the node's tasks: those are parked for other reasons.
    """
    match settlement:
        case Park() if delivery.task not in known:
            return TaskUnknown(delivery)
        case Bury(reason=reason):
            return TaskRejected(delivery, reason)
    return None


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Word).decode
