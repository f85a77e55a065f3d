"""The port for looking at a broker and steering it: the command line's and the dashboard's side."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

import msgspec

from sedano.brokers.publication import Publication
from sedano.message.envelope import Envelope


class QueueDepth(msgspec.Struct, frozen=True):
    """How much is in a queue right now."""

    queue: str
    ready: int
    #: Waiting for their due time.
    scheduled: int
    #: In nodes' hands.
    claimed: int
    #: Set aside: no node knows their task.
    parked: int
    #: Seconds the oldest ready message has been ready; None when none is.
    oldest_age: float | None
    paused: bool = False


class StoredMessage(msgspec.Struct, frozen=True):
    """A live message, as ``peek`` shows it."""

    task_id: str
    task: str
    queue: str
    #: ``ready``, ``scheduled``, ``claimed`` or ``parked``.
    state: str
    priority: int
    #: POSIX seconds (UTC).
    due: float | None
    crashes: int
    envelope: Envelope


#: What is published in the place of a message that is revoked; None for nothing.
Substitute: TypeAlias = Callable[[StoredMessage], Publication | None]


class DeadLetter(msgspec.Struct, frozen=True):
    """A buried message."""

    #: Names it for ``replay`` and ``discard``.
    key: int
    task_id: str
    task: str
    queue: str
    reason: str
    crashes: int
    #: POSIX seconds (UTC).
    buried_at: float
    envelope: Envelope
    priority: int = 0


class NodeRecord(msgspec.Struct, frozen=True):
    """A node that holds a lease."""

    node: str
    incarnation: str
    #: POSIX seconds (UTC).
    started_at: float
    renewed_at: float
    claimed: int
    running: int


class Remark(msgspec.Struct, frozen=True):
    """What somebody who runs a broker's server should know of it."""

    text: str
    #: What to do about it.
    hint: str = ""
    #: Nothing is in danger because of it, as far as can be seen.
    is_note: bool = False


class BrokerAdmin(Protocol):
    """Reads and steers; takes part in no task's way. Thread-safe like its broker."""

    def queues(self) -> list[str]:
        """Names of the queues that hold messages or are paused, sorted."""

    def depth(self, queue: str) -> QueueDepth:
        """How much is in one queue; zeros for a queue nobody has used."""

    def peek(self, queue: str, *, limit: int = 50) -> list[StoredMessage]:
        """The next messages of a queue, in the order they would be claimed; then those not ready."""

    def find(self, task_id: str) -> StoredMessage | None:
        """The live message of a task, if there is one."""

    def revoke(self, *task_ids: str, instead: Substitute | None = None) -> set[str]:
        """Delete the live messages of tasks, unless nodes hold them; the tasks that had some.

        All queues are looked through once. What ``instead`` makes of a message, if anything, is published in
        the step that deletes it.
        """

    def purge(self, queue: str) -> int:
        """Delete every message of a queue that no node holds; returns how many."""

    def pause(self, queue: str) -> None:
        """Claims bring nothing from this queue any more. Survives restarts. Idempotent."""

    def resume(self, queue: str) -> None:
        """Undo ``pause``. Idempotent."""

    def dead_letters(self, *, limit: int = 50) -> list[DeadLetter]:
        """The newest dead letters first."""

    def replay(self, keys: Sequence[int]) -> int:
        """Publish these dead letters anew, their crash counts cleared; returns how many."""

    def discard(self, keys: Sequence[int]) -> int:
        """Delete these dead letters; returns how many."""

    def nodes(self) -> list[NodeRecord]:
        """The nodes that hold a lease, by name."""

    def remarks(self) -> list[Remark]:
        """What about the server and its settings endangers messages; for ``sedano check``."""
