"""Looking at the Redis broker and steering it.

Used by the command line through ``RedisBroker.admin``. Reads whole queues where it has to look for a message.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from sedano.brokers.admin import DeadLetter, NodeRecord, QueueDepth, Remark, StoredMessage, Substitute
from sedano.brokers.delivery import Delivery
from sedano.brokers.redis import scripts, server_checks
from sedano.brokers.redis.kombu_message import decode, due_time, unreadable
from sedano.brokers.redis.publishing import listed
from sedano.clock import Clock
from sedano.errors import MalformedMessage
from sedano.redis.cluster_link import slot_of
from sedano.redis.key_names import KeyNames
from sedano.redis.link import Command, ScriptRun
from sedano.redis.links import Link

#: Messages that a search reads at a time, and that one round trip takes away.
_CHUNK: Final = 500
#: To look for so many ids in a message's bytes takes less than to read it.
_FEW: Final = 8


class RedisAdmin:
    """A ``BrokerAdmin``."""

    def __init__(self, link: Link, names: KeyNames, clock: Clock) -> None:
        self._link = link
        self._names = names
        self._clock = clock

    def queues(self) -> list[str]:
        known = self._known_queues()
        nodes = self._incarnations()
        return [queue for queue in known if self._in_use(queue, nodes)]

    def depth(self, queue: str) -> QueueDepth:
        now = self._clock.timestamp()
        nodes = self._incarnations()
        counts = [0, 0, 0, 0]
        ages: list[float] = []
        paused = False
        for lane in self._names.lanes(queue):
            list_key, _, due, parked, _, _, _, pause = self._names.of_lane(lane)
            held, inboxes = self._of_nodes(lane, nodes)
            ready, ripe, scheduled, set_aside, is_paused, oldest, first, *rest = self._link.pipeline(
                [
                    ("LLEN", list_key),
                    ("ZCOUNT", due, "-inf", repr(now)),
                    ("ZCARD", due),
                    ("HLEN", parked),
                    ("EXISTS", pause),
                    ("LINDEX", list_key, -1),
                    ("ZRANGE", due, 0, 0, "WITHSCORES"),
                    *(("HLEN", key) for key in held),
                    *(("LLEN", key) for key in inboxes),
                ]
            )
            counts[0] += ready + ripe + sum(rest[len(held) :])
            counts[1] += scheduled - ripe
            counts[2] += sum(rest[: len(held)])
            counts[3] += set_aside
            paused = paused or bool(is_paused)
            if oldest is not None:
                ages.append(now - self._read(oldest, queue).ready_since)
            if ripe:
                ages.append(now - float(first[1]))
        ready, waiting, claimed, set_aside = counts
        return QueueDepth(queue, ready, waiting, claimed, set_aside, max(ages, default=None), paused)

    def peek(self, queue: str, *, limit: int = 50) -> list[StoredMessage]:
        now = self._clock.timestamp()
        ready: list[StoredMessage] = []
        rest: list[StoredMessage] = []
        scheduled: list[StoredMessage] = []
        for lane in self._names.lanes(queue):
            list_key, _, due, parked, *_ = self._names.of_lane(lane)
            for message, score in self._scored(due, limit):
                one = self._stored(message, queue, "ready" if score <= now else "scheduled", score)
                (ready if score <= now else scheduled).append(one)
            for message in reversed(self._link.call("LRANGE", list_key, -limit, -1)):
                state, _, when = _of_listed(message, now)
                listed = self._stored(message, queue, state, when)
                (ready if state == "ready" else scheduled).append(listed)
            held, inboxes = self._of_nodes(lane, self._incarnations())
            for key in inboxes:
                ready += [self._stored(one, queue, "ready") for one in self._link.call("LRANGE", key, 0, -1)]
            for key in held:
                rest += [self._stored(one, queue, "claimed") for one in self._link.call("HVALS", key)]
            rest += [self._stored(one, queue, "parked") for one in self._link.call("HVALS", parked)]
        scheduled.sort(key=lambda one: one.due or 0.0)
        rest.sort(key=lambda one: one.state)
        return [*ready, *scheduled, *rest][:limit]

    def find(self, task_id: str) -> StoredMessage | None:
        for queue in self._known_queues():
            for lane in self._names.lanes(queue):
                for state, message, score, _ in self._everything(lane):
                    if task_id.encode() in message and self._read(message, queue).task_id == task_id:
                        return self._stored(message, queue, state, score)
        return None

    def revoke(self, *task_ids: str, instead: Substitute | None = None) -> set[str]:
        wanted, revoked = set(task_ids), set[str]()
        sought = [task_id.encode() for task_id in wanted] if len(wanted) <= _FEW else [b""]
        for queue in self._known_queues():
            for lane in self._names.lanes(queue):
                found = [
                    (stored, removal)
                    for state, message, due, removal in self._everything(lane)
                    if removal and any(task_id in message for task_id in sought)
                    if (stored := self._stored(message, queue, state, due)).task_id in wanted
                ]
                for start in range(0, len(found), _CHUNK):
                    revoked |= self._remove(found[start : start + _CHUNK], instead)
        return revoked

    def _remove(self, found: Sequence[tuple[StoredMessage, Command]], instead: Substitute | None) -> set[str]:
        """Take messages away, and put others in their places; the tasks of those that were there."""
        revoked: set[str] = set()
        queues: set[str] = set()
        deleting: list[tuple[str, Command]] = []
        replacing: list[tuple[str, ScriptRun]] = []
        for stored, removal in found:
            substitute = None if instead is None else instead(stored)
            if substitute is None:
                deleting.append((stored.task_id, removal))
                continue
            queues.add(substitute.queue)
            command, where, *rest = removal
            message = listed(substitute, self._clock.timestamp())
            lane = self._names.lane(substitute.queue, substitute.priority)
            if self._link.is_one_server or slot_of(lane) == slot_of(where):
                run = ScriptRun(scripts.REPLACE, [where, lane], (message, command, *rest))
                replacing.append((stored.task_id, run))
            elif self._replace_elsewhere(removal, lane, message):
                revoked.add(stored.task_id)
        if queues:
            self._link.call("SADD", self._names.queues, *queues)
        answers = self._link.pipeline([one for _, one in deleting]) if deleting else []
        answers += self._link.run_many([run for _, run in replacing]) if replacing else []
        task_ids = [task_id for task_id, _ in (*deleting, *replacing)]
        return revoked.union(one for one, removed in zip(task_ids, answers, strict=True) if removed)

    def _replace_elsewhere(self, removal: Command, lane: str, message: bytes) -> bool:
        """In another slot. In this order none is lost."""
        self._link.call("LPUSH", lane, message)
        if self._link.call(*removal):
            return True
        self._link.call("LREM", lane, 1, message)
        return False

    def purge(self, queue: str) -> int:
        purged = 0
        for lane in self._names.lanes(queue):
            list_key, _, due, parked, *_ = self._names.of_lane(lane)
            ready, scheduled, set_aside, _ = self._link.transaction(
                [("LLEN", list_key), ("ZCARD", due), ("HLEN", parked), ("DEL", list_key, due, parked)]
            )
            purged += ready + scheduled + set_aside
        return purged

    def pause(self, queue: str) -> None:
        keys = [self._names.of_lane(lane)[7] for lane in self._names.lanes(queue)]
        self._link.transaction([*(("SET", key, "1") for key in keys), ("SADD", self._names.queues, queue)])

    def resume(self, queue: str) -> None:
        keys = [self._names.of_lane(lane)[7] for lane in self._names.lanes(queue)]
        self._link.pipeline([("DEL", key) for key in keys])

    def dead_letters(self, *, limit: int = 50) -> list[DeadLetter]:
        letters = [letter for _, letter, _ in self._letters()]
        return sorted(letters, key=lambda letter: (letter.buried_at, letter.key), reverse=True)[:limit]

    def replay(self, keys: Sequence[int]) -> int:
        replayed = 0
        now = self._clock.timestamp()
        for lane, letter, message in self._letters():
            if letter.key in keys:
                list_key, _, _, _, dead, *_ = self._names.of_lane(lane)
                deleted, _ = self._link.transaction(
                    [
                        ("HDEL", dead, letter.key),
                        ("LPUSH", list_key, _afresh(message, now)),
                    ]
                )
                replayed += deleted
        return replayed

    def discard(self, keys: Sequence[int]) -> int:
        if not keys:
            return 0
        lanes = [lane for queue in self._known_queues() for lane in self._names.lanes(queue)]
        answers = self._link.pipeline([("HDEL", self._names.of_lane(lane)[4], *keys) for lane in lanes])
        return sum(answers)

    def nodes(self) -> list[NodeRecord]:
        records = []
        for incarnation in self._incarnations():
            fields = self._link.call("HGETALL", self._names.node(incarnation))
            node = {name.decode(): value for name, value in zip(fields[::2], fields[1::2], strict=True)}
            if "node" not in node:
                continue
            queues: list[str] = msgspec.json.decode(node.get("queues", b"[]"))
            lanes = [lane for queue in queues for lane in self._names.lanes(queue)]
            held = self._link.pipeline(
                [("HLEN", self._names.of_lane(lane, incarnation)[1]) for lane in lanes]
            )
            records.append(
                NodeRecord(
                    node["node"].decode(),
                    incarnation,
                    float(node["started_at"]),
                    float(node["renewed_at"]),
                    claimed=sum(held),
                    running=len(msgspec.json.decode(node["running"])),
                )
            )
        return sorted(records, key=lambda record: (record.node, record.incarnation))

    def remarks(self) -> list[Remark]:
        remarks = [remark for server in self._link.servers() for remark in server_checks.look_at(server)]
        return list(dict.fromkeys(remarks))

    # -- reading

    def _known_queues(self) -> list[str]:
        return sorted(queue.decode() for queue in self._link.call("SMEMBERS", self._names.queues))

    def _incarnations(self) -> list[str]:
        return [one.decode() for one in self._link.call("ZRANGE", self._names.nodes, 0, -1)]

    def _of_nodes(self, lane: str, nodes: Sequence[str]) -> tuple[list[str], list[str]]:
        keys = [self._names.of_lane(lane, node) for node in nodes]
        return [one[1] for one in keys], [one[6] for one in keys]

    def _in_use(self, queue: str, nodes: Sequence[str]) -> bool:
        keys: list[str] = []
        for lane in self._names.lanes(queue):
            list_key, _, due, parked, _, _, _, pause = self._names.of_lane(lane)
            held, inboxes = self._of_nodes(lane, nodes)
            keys += [list_key, due, parked, pause, *held, *inboxes]
        return any(self._link.pipeline([("EXISTS", key) for key in keys]))

    def _everything(self, lane: str) -> Iterator[tuple[str, bytes, float | None, tuple[Any, ...]]]:
        """State, message, due time, and the command that deletes it, of every message of a lane."""
        now = self._clock.timestamp()
        list_key, _, due, parked, *_ = self._names.of_lane(lane)
        held, inboxes = self._of_nodes(lane, self._incarnations())
        start = 0
        # From where messages come in to where they are claimed: what moves meanwhile is not passed over.
        while chunk := self._link.call("LRANGE", list_key, start, start + _CHUNK - 1):
            start += len(chunk)
            for message in chunk:
                yield *_of_listed(message, now), ("LREM", list_key, 1, message)
        for message, score in self._scored(due, -1):
            state = "ready" if score <= now else "scheduled"
            yield state, message, score, ("ZREM", due, message)
        for key in inboxes:
            for message in self._link.call("LRANGE", key, 0, -1):
                yield "ready", message, None, ("LREM", key, 0, message)
        for key in held:
            for message in self._link.call("HVALS", key):
                yield "claimed", message, None, ()
        fields = self._link.call("HGETALL", parked)
        for field, message in zip(fields[::2], fields[1::2], strict=True):
            yield "parked", message, None, ("HDEL", parked, field)

    def _scored(self, due: str, limit: int) -> list[tuple[bytes, float]]:
        last = limit - 1 if limit > 0 else -1
        found = self._link.call("ZRANGE", due, 0, last, "WITHSCORES")
        return [(message, float(score)) for message, score in zip(found[::2], found[1::2], strict=True)]

    def _letters(self) -> Iterator[tuple[str, DeadLetter, bytes]]:
        for queue in self._known_queues():
            for lane in self._names.lanes(queue):
                fields = self._link.call("HGETALL", self._names.of_lane(lane)[4])
                for key, record in zip(fields[::2], fields[1::2], strict=True):
                    yield lane, *self._letter(int(key), record)

    def _letter(self, key: int, record: bytes) -> tuple[DeadLetter, bytes]:
        head, _, message = record.partition(b"\n")
        reason, buried_at, queue = msgspec.json.decode(head)
        found = self._read(message, queue)
        letter = DeadLetter(
            key,
            found.task_id,
            found.task,
            queue,
            reason,
            found.crashes,
            buried_at,
            found.envelope,
            found.priority,
        )
        return letter, message

    def _stored(self, message: bytes, queue: str, state: str, due: float | None = None) -> StoredMessage:
        one = self._read(message, queue)
        due = due if state == "scheduled" else None
        return StoredMessage(
            one.task_id, one.task, queue, state, one.priority, due, one.crashes, one.envelope
        )

    def _read(self, message: bytes, queue: str) -> Delivery:
        now = self._clock.timestamp()
        try:
            return decode(message, tag=0, queue=queue, now=now)
        except MalformedMessage:
            return unreadable(message, tag=0, queue=queue, now=now)


def _of_listed(message: bytes, now: float) -> tuple[str, bytes, float | None]:
    """State, message and due time of what is in a list."""
    due = due_time(message)
    return ("scheduled", message, due) if due is not None and due > now else ("ready", message, None)


def _afresh(message: bytes, now: float) -> bytes:
    """The message as it was published, at this moment."""
    raw = msgspec.json.decode(message, type=dict[str, msgspec.Raw])
    stamp = msgspec.json.decode(raw["sedano"]) if "sedano" in raw else []
    stamp[:3] = [0, 0, now]
    return msgspec.json.encode({"sedano": stamp, **{k: v for k, v in raw.items() if k != "sedano"}})
