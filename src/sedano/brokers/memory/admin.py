"""Looking at the memory broker and steering it."""

from collections.abc import Sequence

import msgspec

from sedano.brokers.admin import DeadLetter, NodeRecord, QueueDepth, Remark, StoredMessage, Substitute
from sedano.brokers.memory.storage import Message, Storage
from sedano.brokers.publication import Publication
from sedano.clock import Clock


class MemoryAdmin:
    """A ``BrokerAdmin``."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    def queues(self) -> list[str]:
        with self._storage.changed:
            return sorted({m.queue for m in self._storage.messages.values()} | self._storage.paused)

    def depth(self, queue: str) -> QueueDepth:
        now = self._clock.timestamp()
        with self._storage.changed:
            messages = list(self._storage.where(lambda message: message.queue == queue))
            states = [message.state(now) for message in messages]
            since = [
                message.ready_since if message.due is None else message.due
                for message, state in zip(messages, states, strict=True)
                if state == "ready"
            ]
            return QueueDepth(
                queue=queue,
                ready=states.count("ready"),
                scheduled=states.count("scheduled"),
                claimed=states.count("claimed"),
                parked=states.count("parked"),
                oldest_age=max(0.0, now - min(since)) if since else None,
                paused=queue in self._storage.paused,
            )

    def peek(self, queue: str, *, limit: int = 50) -> list[StoredMessage]:
        now = self._clock.timestamp()
        with self._storage.changed:
            messages = self._storage.where(lambda message: message.queue == queue)
            line = sorted(messages, key=lambda message: _place_in_view(message, now))
            return [message.stored(now) for message in line[:limit]]

    def find(self, task_id: str) -> StoredMessage | None:
        now = self._clock.timestamp()
        with self._storage.changed:
            found = self._storage.where(lambda message: message.task_id == task_id)
            return next((message.stored(now) for message in found), None)

    def revoke(self, *task_ids: str, instead: Substitute | None = None) -> set[str]:
        now, wanted = self._clock.timestamp(), set(task_ids)
        with self._storage.changed:
            found = list(self._storage.where(lambda m: m.task_id in wanted and m.claimed_by is None))
            for message in found:
                del self._storage.messages[message.key]
                if instead is not None and (substitute := instead(message.stored(now))) is not None:
                    self._storage.publish(substitute, now)
            self._storage.changed.notify_all()
            return {message.task_id for message in found}

    def purge(self, queue: str) -> int:
        with self._storage.changed:
            free = list(self._storage.where(lambda m: m.queue == queue and m.claimed_by is None))
            for message in free:
                del self._storage.messages[message.key]
            return len(free)

    def pause(self, queue: str) -> None:
        with self._storage.changed:
            self._storage.paused.add(queue)

    def resume(self, queue: str) -> None:
        with self._storage.changed:
            self._storage.paused.discard(queue)
            self._storage.changed.notify_all()

    def dead_letters(self, *, limit: int = 50) -> list[DeadLetter]:
        with self._storage.changed:
            return sorted(self._storage.dead_letters.values(), key=lambda letter: -letter.key)[:limit]

    def replay(self, keys: Sequence[int]) -> int:
        now = self._clock.timestamp()
        with self._storage.changed:
            letters = [
                self._storage.dead_letters.pop(key)
                for key in sorted(set(keys))
                if key in self._storage.dead_letters
            ]
            for letter in letters:
                self._storage.publish(_publication(letter), now)
            self._storage.changed.notify_all()
            return len(letters)

    def discard(self, keys: Sequence[int]) -> int:
        with self._storage.changed:
            return sum(self._storage.dead_letters.pop(key, None) is not None for key in set(keys))

    def nodes(self) -> list[NodeRecord]:
        with self._storage.changed:
            records = [
                NodeRecord(
                    node.node,
                    node.incarnation,
                    node.started_at,
                    node.renewed_at,
                    len(self._storage.held_by(node.incarnation)),
                    len(node.running),
                )
                for node in self._storage.nodes.values()
            ]
        return sorted(records, key=lambda record: (record.node, record.started_at))

    def remarks(self) -> list[Remark]:
        return [Remark("Messages are in this process's memory: no worker in another process sees them.")]


def _publication(letter: DeadLetter) -> Publication:
    fields = msgspec.structs.asdict(letter)
    return Publication(
        **{name: fields[name] for name in ("task_id", "task", "queue", "envelope", "priority")}
    )


def _place_in_view(message: Message, now: float) -> tuple[int, float, int]:
    state = message.state(now)
    if state == "ready":
        return 0, -message.priority, message.key
    if state == "scheduled" and message.due is not None:
        return 1, message.due, message.key
    return (2 if state == "claimed" else 3), 0, message.key
