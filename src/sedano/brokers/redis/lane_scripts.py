"""The broker's scripts, run over the lanes of a lease: on one server over all lanes at once.

Used by ``RedisLease`` and by recovery. ``ClusterScripts`` is the same for a cluster, where a script may touch
one lane only. Never decodes a message.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from sedano.brokers.redis import scripts
from sedano.brokers.redis.settling import Claim, Settling, pack
from sedano.brokers.settlement import Settlement
from sedano.redis.key_names import KeyNames
from sedano.redis.link import Command, ScriptRun
from sedano.redis.links import Link
from sedano.results.store import JointResults


class Lane(NamedTuple):
    """One list of a queue, and what belongs to it."""

    queue: str
    #: The list.
    name: str
    #: For scripts: those of one incarnation among them.
    keys: tuple[str, ...]


class Wanted(NamedTuple):
    """What a claim asks for."""

    #: By urgency: all of one priority step, then all of the next.
    lanes: Sequence[Lane]
    steps: Sequence[int]
    limit: int
    #: The messages get this tag and those after it.
    first_tag: int
    #: What is left in the inboxes is claimed as well.
    leftovers: bool


class Found(NamedTuple):
    """Messages of one lane that were claimed; their tags are consecutive."""

    lane: Lane
    first_tag: int
    messages: Sequence[bytes]


class Outcome(NamedTuple):
    """Of settlements and a claim."""

    #: Tags of settlements that came too late.
    lost: list[int]
    #: Tags of settlements that completed a chord, and which: their messages are still held.
    completing: Sequence[tuple[int, str]] = ()
    #: Queues that follow-ups went to.
    queues: Collection[str] = ()
    #: Whether the incarnation may claim.
    stands: bool = True
    found: Sequence[Found] = ()


class LaneScripts:
    """Those of one incarnation. Owned by one thread."""

    def __init__(
        self, link: Link, names: KeyNames, incarnation: str, *, joint_results: JointResults | None
    ) -> None:
        self._link = link
        self._names = names
        self._incarnation = incarnation
        self._joint = joint_results
        #: The queues that this incarnation claims from.
        self._served: frozenset[str] = frozenset()
        #: Puts messages among the held ones that a wait brought: sent in front of whatever comes next.
        self._adopting: list[ScriptRun] = []

    def lanes_of(self, queue: str) -> list[Lane]:
        """All lanes of a queue, the most urgent first."""
        return [
            Lane(queue, name, self._names.of_lane(name, self._incarnation))
            for name in self._names.lanes(queue)
        ]

    def enlist(self, lanes: Sequence[Lane], queues: Sequence[str]) -> bool:
        """Have it noted that we claim from these lanes; False if others took us for dead.

        Args:
            queues: All queues of this incarnation, the new ones too.
        """
        holders = [lane.keys[5] for lane in lanes]
        return bool(self._link.run(scripts.ENLIST, *self._enlisting(holders, queues)))

    def _enlisting(self, holders: Sequence[str], queues: Sequence[str]) -> tuple[list[str], tuple[Any, ...]]:
        self._served = frozenset(queues)
        keys = [self._names.node(self._incarnation), *holders]
        return keys, (self._incarnation, msgspec.json.encode(queues))

    def adopt(self, lane: Lane, tag: int, message: bytes, due: str) -> None:
        """Have a message of the inbox noted as held, or as scheduled; with whatever is sent next."""
        digest = hashlib.sha1(message, usedforsecurity=False).hexdigest()
        self._adopting.append(ScriptRun(scripts.ADOPT, lane.keys, (tag, due, digest)))

    def send_adoptions(self) -> None:
        """Send what ``adopt`` has put off."""
        if self._adopting:
            self._run([])

    def holding(self, lanes: Mapping[int, str]) -> set[int]:
        """Which of these tags are held, each in its lane."""
        if not lanes:
            return set()
        self.send_adoptions()
        answers = self._link.pipeline(
            [("HEXISTS", self._names.of_lane(lane, self._incarnation)[1], tag) for tag, lane in lanes.items()]
        )
        return {tag for tag, stands in zip(lanes, answers, strict=True) if stands}

    def reread(self, lanes: Mapping[int, str]) -> dict[int, bytes]:
        """The messages that are held under these tags, each in its lane."""
        if not lanes:
            return {}
        self.send_adoptions()
        messages = self._link.pipeline(
            [("HGET", self._names.of_lane(lane, self._incarnation)[1], tag) for tag, lane in lanes.items()]
        )
        return {tag: one for tag, one in zip(lanes, messages, strict=True) if one is not None}

    def settle_and_claim(
        self,
        claims: Mapping[int, Claim],
        settling: Sequence[Settlement],
        now: float,
        wanted: Wanted | None = None,
    ) -> Outcome:
        """Carry out settlements, then claim; in one round trip, each in one step."""
        batch = self._batch(claims, now)
        for settlement in settling:
            batch.add(settlement)
        runs: list[ScriptRun] = []
        if not batch.is_empty:
            runs.append(ScriptRun(scripts.SETTLE, batch.keys(), batch.arguments()))
        if wanted is not None:
            runs.append(self._claiming(wanted, now))
        if not runs:
            return Outcome(batch.lost([]))
        answers = self._run(runs)
        lost, completing = answers[0] if not batch.is_empty else ((), ())
        settled = Outcome(batch.lost(lost), batch.completing(completing), batch.queues)
        if wanted is None:
            return settled
        stands, *found = answers[-1]
        return settled._replace(stands=bool(stands), found=found_in(wanted.lanes, wanted.first_tag, found))

    def _batch(self, claims: Mapping[int, Claim], now: float) -> Settling:
        return Settling(
            self._names,
            claims,
            incarnation=self._incarnation,
            now=now,
            joint_results=self._joint,
            served=self._served,
        )

    def _claiming(self, wanted: Wanted, now: float) -> ScriptRun:
        lanes, steps, limit, first_tag, leftovers = wanted
        keys = [key for lane in lanes for key in lane.keys]
        arguments = (repr(now), limit, first_tag, self._incarnation, int(leftovers), *steps)
        return ScriptRun(scripts.CLAIM, keys, arguments)

    def claim_parked(
        self, lanes: Sequence[Lane], limit: int, first_tag: int, tasks: Collection[str]
    ) -> Sequence[Found]:
        """Claim parked messages of these tasks."""
        (found,) = self._run([self._claiming_parked(lanes, limit, first_tag, tasks)])
        return found_in(lanes, first_tag, found)

    def _claiming_parked(
        self, lanes: Sequence[Lane], limit: int, first_tag: int, tasks: Collection[str]
    ) -> ScriptRun:
        keys = [key for lane in lanes for key in lane.keys]
        return ScriptRun(scripts.CLAIM_PARKED, keys, (limit, first_tag, self._incarnation, pack(list(tasks))))

    def claim_some(
        self, lanes: Sequence[Lane], limit: int, first_tag: int, tasks: Collection[str], now: float
    ) -> Sequence[Found]:
        """Claim ready messages of these tasks."""
        (found,) = self._run([self._claiming_some(lanes, limit, first_tag, tasks, now)])
        return found_in(lanes, first_tag, found)

    def _claiming_some(
        self, lanes: Sequence[Lane], limit: int, first_tag: int, tasks: Collection[str], now: float
    ) -> ScriptRun:
        keys = [key for lane in lanes for key in lane.keys]
        arguments = (repr(now), limit, first_tag, self._incarnation, pack(list(tasks)))
        return ScriptRun(scripts.CLAIM_SOME, keys, arguments)

    def give_back(self, lanes: Sequence[Lane], first_tag: int, last_tag: int) -> None:
        """Make ready again what is held under these tags."""
        self._run(self._over(lanes, ScriptRun(scripts.GIVE_BACK, (), (first_tag, last_tag))))

    def empty_inboxes(self, lanes: Sequence[Lane]) -> None:
        """Make ready again what a wait brought and nobody took."""
        self._run(self._over(lanes, ScriptRun(scripts.EMPTY_INBOX, ())))

    def fence(self, lanes: Sequence[Lane]) -> list[list[bytes]]:
        """Take the right to claim away; of each lane what is held: tag, message, tag, message."""
        answers = self._run(self._over(lanes, ScriptRun(scripts.FENCE, (), (self._incarnation,))))
        return [entries for answer in answers for entries in answer]

    def look(
        self, lanes: Sequence[Lane], listed: Sequence[Lane], now: float, before: Sequence[Command]
    ) -> tuple[int, float | None, list[int]]:
        """What is ready: -1 if the lease was lost, else 1 or 0; the next due time; which lanes are paused.

        Args:
            listed: The first ones of ``lanes``: those whose lists are looked at.
            before: Commands to be run right before.
        """
        keys = [
            *(lane.keys[5] for lane in lanes),
            *(lane.keys[7] for lane in lanes),
            *(lane.keys[2] for lane in lanes),
            *(lane.keys[0] for lane in listed),
        ]
        arguments = (repr(now), self._incarnation, len(lanes))
        ((ready, *rest),) = self._run([ScriptRun(scripts.LOOK, keys, arguments, before)])
        if ready < 0:
            return ready, None, []
        due, *paused = rest
        return ready, float(due) if due else None, paused

    def _over(self, lanes: Sequence[Lane], run: ScriptRun) -> list[ScriptRun]:
        """The runs that it takes to run a script over these lanes."""
        return [run._replace(keys=[key for lane in lanes for key in lane.keys])]

    def _run(self, runs: Sequence[ScriptRun]) -> list[Any]:
        answers = self._link.run_many([*self._adopting, *runs])
        answers = answers[len(self._adopting) :]
        self._adopting.clear()
        return answers


def found_in(lanes: Sequence[Lane], first_tag: int, answer: Sequence[Any]) -> list[Found]:
    """From the answer of a claim: how many of each lane, then the messages."""
    found: list[Found] = []
    place = len(lanes)
    for lane, count in zip(lanes, answer, strict=False):
        if count:
            found.append(Found(lane, first_tag, answer[place : place + count]))
            first_tag, place = first_tag + count, place + count
    return found
