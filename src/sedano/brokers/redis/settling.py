"""Settlements in the form in which the script ``settle`` takes them.

Called by ``RedisLease`` and by recovery. Never talks to a server.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple, assert_never

import msgspec

from sedano.brokers.publication import Publication
from sedano.brokers.redis.kombu_message import encode, not_before
from sedano.brokers.settlement import Bury, Finish, Park, Record, Requeue, Settlement
from sedano.redis.key_names import KeyNames
from sedano.results.group_store import JointGroups, WorkflowChange
from sedano.results.result_write import ResultWrite
from sedano.results.store import JointResults

pack: Final = msgspec.msgpack.Encoder().encode


class Claim(NamedTuple):
    """What a lease remembers of a message that it holds."""

    queue: str
    lane: str
    task: str


class Settling:
    """One batch. Its lanes are numbered in the order in which they turn up."""

    def __init__(
        self,
        names: KeyNames,
        claims: Mapping[int, Claim],
        *,
        incarnation: str,
        now: float,
        joint_results: JointResults | None,
        served: Collection[str] = (),
    ) -> None:
        self._names = names
        self._claims = claims
        self._incarnation = incarnation
        self._now = now
        self._joint = joint_results
        #: Queues that this lease claims from.
        self._served = served
        self._lanes: dict[str, int] = {}
        self._queues: set[str] = set()
        self._operations: list[tuple[Any, ...]] = []
        self._payloads: list[bytes] = []
        #: Those of chords, by their numbers: the tag of the settlement, and the chord.
        self._parts: list[tuple[int | None, str]] = []
        #: Lane -> tags of messages that are only to be removed.
        self._done: dict[int, list[int]] = {}
        #: Lane -> tags of those that leave a result and nothing else, and the results.
        self._with_result: dict[int, tuple[list[int], list[Any]]] = {}
        #: Tags that this batch has settled: a second settlement comes too late.
        self._ended: set[int] = set()
        #: Tags of the settlements whose claims this lease never had.
        self._unknown: list[int] = []

    def add(self, settlement: Settlement) -> None:
        """Take a settlement in."""
        tag = settlement.tag
        if tag is None:
            if isinstance(settlement, Record):
                self._operations.append(("record", "", "", *self._consequences(settlement)))
            return
        claim = self._claims.get(tag)
        if claim is None or tag in self._ended:
            self._unknown.append(tag)
            return
        if not isinstance(settlement, Record):
            self._ended.add(tag)
        lane = self._lanes.setdefault(claim.lane, len(self._lanes))
        match settlement:
            case Finish(follow_ups=(), workflow=None, result=result):
                if result is None or self._joint is None:
                    self._done.setdefault(lane, []).append(tag)
                else:
                    tags, results = self._with_result.setdefault(lane, ([], []))
                    tags.append(tag)
                    results += self._results(result)
            case Finish():
                self._operations.append(("finish", lane, tag, *self._consequences(settlement)))
            case Requeue():
                due = settlement.due
                scheduled = due is not None and due > self._now
                self._operations.append(
                    (
                        "requeue",
                        lane,
                        tag,
                        repr(due) if scheduled else "",
                        int(settlement.crashed),
                        self._results(settlement.result),
                        int(settlement.begun),
                    )
                )
            case Bury():
                reason = msgspec.json.encode([settlement.reason, self._now, claim.queue])
                self._operations.append(
                    (
                        "bury",
                        lane,
                        tag,
                        str(letter_key(self._now)),
                        reason.decode(),
                        int(settlement.crashed),
                        *self._consequences(settlement),
                    )
                )
            case Park():
                field = f"{self._now!r}:{self._incarnation}:{tag:012d}\n{claim.task}"
                self._operations.append(("park", lane, tag, field))
            case Record():
                self._operations.append(("record", lane, tag, *self._consequences(settlement)))
            case _:
                assert_never(settlement)

    def keys(self) -> list[str]:
        """Of the lanes."""
        return [key for lane in self._lanes for key in self._names.of_lane(lane, self._incarnation)]

    def arguments(self) -> list[Any]:
        """Of the script."""
        done = []
        for lane in {*self._with_result, *self._done}:
            tags, results = self._with_result.get(lane, ([], ()))
            done.append(("done", lane, [*tags, *self._done.get(lane, ())], results))
        return [repr(self._now), pack([*self._operations, *done]), self._incarnation, *self._payloads]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to send."""
        return not self._operations and not self._done and not self._with_result

    @property
    def queues(self) -> set[str]:
        """The queues that follow-ups go to."""
        return self._queues

    def completing(self, parts: Sequence[int]) -> list[tuple[int, str]]:
        """Which settlements completed a chord, and which, from the numbers of the script's answer."""
        told = [self._parts[number] for number in parts]
        return [(tag, group_id) for tag, group_id in told if tag is not None]

    def lost(self, tags: Sequence[int]) -> list[int]:
        """The tags of what came too late, with those of the script's answer."""
        return [*self._unknown, *tags]

    def _consequences(self, settlement: Finish | Bury | Record) -> tuple[Any, ...]:
        follow_ups, change = settlement.follow_ups, settlement.workflow
        published = [self._follow_up(one) for one in follow_ups] if follow_ups else ()
        if change is None or self._joint is None:
            return self._results(settlement.result), published
        results = [stored for one in (settlement.result, *change.results) for stored in self._results(one)]
        return results, published, self._workflow(settlement.tag, change, self._joint.groups)

    def _workflow(self, tag: int | None, change: WorkflowChange, groups: JointGroups) -> tuple[Any, ...]:
        extensions: list[tuple[bytes, int, str]] = []
        parts: list[tuple[bytes, tuple[bytes, str, str, int, int]]] = []
        ends: list[tuple[bytes, str]] = []
        for group_id, members, by in change.extensions:
            groups.extend_chord(extensions, group_id, members, by)
        groups.add_parts(parts, change.parts)
        if change.end is not None:
            groups.take_end(ends, change.end)
        first = len(self._parts)
        self._parts += [(tag, part.group_id) for part in change.parts]
        return (
            [(chord.decode(), members, by) for chord, members, by in extensions],
            [
                (number, chord.decode(), self._payload(document), *rest)
                for number, (chord, (document, *rest)) in enumerate(parts, first)
            ],
            next(((chord.decode(), member) for chord, member in ends), ()),
        )

    def _follow_up(self, publication: Publication) -> tuple[Any, ...]:
        lane = self._names.lane(publication.queue, publication.priority)
        self._queues.add(publication.queue)
        message, due = encode(publication, self._now), publication.due
        if due is None or due <= self._now:
            return lane, self._payload(message), "", ""
        if publication.queue not in self._served:
            # Perhaps only Celery's nodes serve that queue: they have to find it in the list.
            return lane, self._payload(not_before(due, message)), "", ""
        return lane, self._payload(message), self._names.due(lane), repr(due)

    def _results(self, result: ResultWrite | None) -> Sequence[Any]:
        if result is None or self._joint is None:
            return ()
        stored: list[tuple[bytes, bytes, int, str]] = []
        self._joint.write(stored, [result])
        return [
            (key.decode(), self._payload(document), milliseconds, state)
            for key, document, milliseconds, state in stored
        ]

    def _payload(self, content: bytes) -> int:
        """Its place among the script's arguments. The server's MessagePack knows no bytes."""
        self._payloads.append(content)
        return 3 + len(self._payloads)


_last_letter = 0


def letter_key(now: float) -> int:
    """A number for a dead letter that nobody else uses: later letters have larger ones."""
    global _last_letter
    _last_letter = max(_last_letter + 1, (int(now * 1000) << 20) + secrets.randbelow(1 << 19))
    return _last_letter
