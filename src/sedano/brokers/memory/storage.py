"""Where the memory broker keeps its messages, and the moves a message can make.

Shared by ``MemoryBroker``, its leases and its admin; each of them holds ``changed`` while it calls anything
here. Never decides what may be done: leases and admin do.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sedano.brokers.admin import DeadLetter, StoredMessage
from sedano.brokers.delivery import Delivery
from sedano.brokers.publication import Publication
from sedano.brokers.turns import Turns
from sedano.message.envelope import Envelope


@dataclass(slots=True)
class Message:
    """A live message. ``due`` is set while it is scheduled, ``claimed_by`` while it is claimed."""

    key: int
    task_id: str
    task: str
    queue: str
    priority: int
    envelope: Envelope
    ready_since: float
    due: float | None = None
    claimed_by: str | None = None
    parked: bool = False
    crashes: int = 0
    redelivered: bool = False

    def state(self, now: float) -> str:
        """``ready``, ``scheduled``, ``claimed`` or ``parked``."""
        if self.claimed_by is not None:
            return "claimed"
        if self.parked:
            return "parked"
        return "scheduled" if self.due is not None and self.due > now else "ready"

    def place_in_line(self) -> tuple[int, int]:
        return -self.priority, self.key

    def delivery(self) -> Delivery:
        return Delivery(
            self.key,
            self.task_id,
            self.task,
            self.queue,
            self.envelope,
            self.priority,
            self.crashes,
            self.redelivered,
            self.ready_since,
        )

    def stored(self, now: float) -> StoredMessage:
        state = self.state(now)
        due = self.due if state == "scheduled" else None
        return StoredMessage(
            self.task_id, self.task, self.queue, state, self.priority, due, self.crashes, self.envelope
        )


@dataclass(slots=True)
class Node:
    """A lease, as the other nodes see it."""

    node: str
    incarnation: str
    started_at: float
    renewed_at: float
    lease_seconds: float
    running: frozenset[int] = frozenset()


@dataclass(slots=True)
class Storage:
    """Everything there is. Small numbers are expected: lanes are found by looking at every message."""

    messages: dict[int, Message] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)
    dead_letters: dict[int, DeadLetter] = field(default_factory=dict)
    #: Of the tasks whose limits all nodes keep together, by name.
    turns: defaultdict[str, Turns] = field(default_factory=lambda: defaultdict(Turns))
    #: Guards all of it, and tells those who wait of every change.
    changed: threading.Condition = field(default_factory=threading.Condition)
    _last_key: int = 0

    def publish(self, publication: Publication, now: float) -> None:
        """Put a message in, behind the others of its lane."""
        due = publication.due
        key = self._next_key()
        self.messages[key] = Message(
            key=key,
            task_id=publication.task_id,
            task=publication.task,
            queue=publication.queue,
            priority=publication.priority,
            envelope=publication.envelope,
            ready_since=now,
            due=due if due is not None and due > now else None,
        )

    def requeue(self, message: Message, now: float, *, due: float | None = None, begun: bool = True) -> None:
        """Back to its old place in its lane, at once or when it is due."""
        message.claimed_by = None
        message.parked = False
        message.redelivered = message.redelivered or begun
        message.ready_since = now
        message.due = due if due is not None and due > now else None

    def bury(self, message: Message, reason: str, now: float, *, crashes: int) -> None:
        """Make a dead letter of it. The message itself is left where it is."""
        key = self._next_key()
        self.dead_letters[key] = DeadLetter(
            key=key,
            task_id=message.task_id,
            task=message.task,
            queue=message.queue,
            reason=reason,
            crashes=crashes,
            buried_at=now,
            envelope=message.envelope,
            priority=message.priority,
        )

    def promote(self, now: float) -> None:
        """Scheduled messages that are ripe are ready from now on."""
        for message in self.messages.values():
            if message.due is not None and message.due <= now:
                message.ready_since = message.due
                message.due = None

    def held_by(self, incarnation: str) -> list[Message]:
        return [message for message in self.messages.values() if message.claimed_by == incarnation]

    def where(self, wanted: Callable[[Message], bool]) -> Iterator[Message]:
        return filter(wanted, list(self.messages.values()))

    def _next_key(self) -> int:
        self._last_key += 1
        return self._last_key
