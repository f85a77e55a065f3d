"""The Redis broker's side of one node: what it claims, settles, renews and takes over.

Made by ``RedisBroker.lease``. Owned by one thread, but for ``wake``.
"""

import contextlib
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec

from sedano import ids
from sedano.brokers.delivery import Delivery
from sedano.brokers.lease import Claimed, CrashResult, Recovered
from sedano.brokers.redis import scripts
from sedano.brokers.redis.kombu_message import decode, due_time, unreadable
from sedano.brokers.redis.recovery import Recovery
from sedano.brokers.redis.settling import Claim, Settling, pack
from sedano.brokers.redis.waiting import Sight, Waiting
from sedano.brokers.settlement import Bury, Record, Settlement
from sedano.clock import Clock
from sedano.errors import BrokerError, LeaseLost, MalformedMessage
from sedano.redis.key_names import KeyNames
from sedano.redis.link import Command, RedisLink, ScriptRun
from sedano.results.store import JointResults

_INFINITE: Final = float("inf")


class RedisLease:
    """A ``Lease``.

    Renewals of different nodes are compared by their wall clocks, which are to agree to within a small part
    of a lease. If a clock is ahead by more than a lease, its node takes the others for dead: work runs a
    second time, and the fence keeps the first run from committing.
    """

    def __init__(
        self,
        link: RedisLink,
        names: KeyNames,
        node: str,
        *,
        duration: timedelta,
        results: JointResults | None,
        clock: Clock,
    ) -> None:
        self.incarnation = ids.incarnation(node)
        self._link = link
        self._names = names
        self._duration = duration.total_seconds()
        self._results = results
        self._clock = clock
        #: What the owner was told of and has not settled, by tag.
        self._held: dict[int, Claim] = {}
        self._next_tag = 1
        #: The first and the last tag of a claim whose answer was lost.
        self._in_doubt: tuple[int, int] | None = None
        self._noted: set[str] = set()
        self._enlisted: dict[str, None] = {}
        #: Queue -> of each of its lanes, the most urgent first: its list, and the keys for scripts.
        self._lanes: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
        self._turn = 0
        #: Puts messages among the held ones that a wait brought: sent in front of whatever comes next.
        self._adopting: list[ScriptRun] = []
        self._lost = False
        self._ended = False
        self._waiting = Waiting(link, names, self.incarnation, longest_block=self._duration / 2, clock=clock)
        now = clock.timestamp()
        fields = ("node", node, "started_at", repr(now), "renewed_at", repr(now))
        expires_at = repr(now + self._duration)
        link.transaction(
            [
                ("HSET", names.node(self.incarnation), *fields, "expires_at", expires_at, "running", "[]"),
                ("ZADD", names.nodes, expires_at, self.incarnation),
            ]
        )

    # -- claiming and settling

    def claim(
        self,
        queues: Sequence[str],
        limit: int,
        settling: Sequence[Settlement] = (),
        *,
        tasks: Collection[str] | None = None,
    ) -> Claimed:
        now = self._clock.timestamp()
        given = self._take_given(self._waiting.take(queues, limit), now)
        if given and not settling:
            return Claimed(given, [])
        limit -= len(given)
        batch = self._batch(settling, now)
        runs: list[ScriptRun] = []
        if not batch.is_empty:
            runs.append(ScriptRun(scripts.SETTLE, batch.keys(), batch.arguments()))
        lanes = self._claimable(queues) if limit > 0 else []
        if lanes:
            self._resolve_doubt()
            keys = [key for _, _, lane_keys in lanes for key in lane_keys]
            steps = [step for step in self._names.steps for _ in range(len(lanes) // len(self._names.steps))]
            left = int(self._has_left_something())
            rest = (repr(now), limit, self._next_tag, self.incarnation, left, *steps)
            runs.append(ScriptRun(scripts.CLAIM, keys, rest))
        if not runs:
            return Claimed(given, batch.lost([]))
        answers = self._run(runs, limit if lanes else 0)
        lost = batch.lost(answers[0] if not batch.is_empty else [])
        for settlement in settling:
            if settlement.tag is not None and not isinstance(settlement, Record):
                self._held.pop(settlement.tag, None)
        self._note_queues(batch.queues)
        if not lanes:
            return Claimed(given, lost)
        stands, *found = answers[-1]
        self._lost = not stands
        self._waiting.left_something = False
        return Claimed(given + (self._take_in(lanes, found, now) if stands else []), lost)

    def _note_queues(self, queues: set[str]) -> None:
        """Have the queues that follow-ups went to listed."""
        if new := queues - self._noted:
            self._noted |= new
            with contextlib.suppress(BrokerError):  # a list for people, not worth a settlement's failure
                self._link.call("SADD", self._names.queues, *new)

    def _has_left_something(self) -> bool:
        """Whether the inboxes hold what only a claim can find; nothing more is moved there then."""
        if self._waiting.left_something:
            self._waiting.rest()
        return self._waiting.left_something

    def rest(self) -> None:
        self._waiting.rest()
        if self._waiting.left_something:
            self._run([ScriptRun(scripts.EMPTY_INBOX, self._all_keys())])
            self._waiting.left_something = False

    def _all_keys(self) -> list[str]:
        return [key for queue in self._enlisted for _, lane in self._lanes_of(queue) for key in lane]

    def _batch(self, settling: Sequence[Settlement], now: float) -> Settling:
        batch = Settling(
            self._names, self._held, incarnation=self.incarnation, now=now, joint_results=self._results
        )
        for settlement in settling:
            batch.add(settlement)
        return batch

    def _run(self, runs: Sequence[ScriptRun], limit: int = 0) -> list[Any]:
        """Run scripts in one round trip; their answers. ``limit`` is how many messages they may claim."""
        first = self._next_tag
        try:
            answers = self._link.run_many([*self._adopting, *runs])
            answers = answers[len(self._adopting) :]
            self._adopting.clear()
            return answers
        except BrokerError:
            if limit:
                # Claimed or not, we cannot know: the tags are used up, and given back before the next claim.
                self._next_tag += limit
                self._in_doubt = first, self._next_tag - 1
            raise

    def _send_adoptions(self) -> None:
        if self._adopting:
            self._run([])

    def _resolve_doubt(self) -> None:
        if self._in_doubt is None:
            return
        self._run([ScriptRun(scripts.GIVE_BACK, self._all_keys(), self._in_doubt)])
        self._in_doubt = None

    def _claimable(self, queues: Sequence[str]) -> list[tuple[str, str, tuple[str, ...]]]:
        """Queue, list and keys of every lane: by urgency, and among equals each queue first in its turn."""
        queues = list(dict.fromkeys(queues))
        if not queues or self._ended or not self._enlist(queues):
            return []
        turn = self._turn % len(queues)
        self._turn += 1
        queues = queues[turn:] + queues[:turn]
        return [
            (queue, *self._lanes_of(queue)[place])
            for place in range(len(self._names.steps))
            for queue in queues
        ]

    def _lanes_of(self, queue: str) -> list[tuple[str, tuple[str, ...]]]:
        lanes = self._lanes.get(queue)
        if lanes is None:
            lanes = self._lanes[queue] = [
                (lane, self._names.of_lane(lane, self.incarnation)) for lane in self._names.lanes(queue)
            ]
        return lanes

    def _enlist(self, queues: Sequence[str]) -> bool:
        """Have it noted that we claim from these, so that whoever takes over knows; False if we may not."""
        if all(queue in self._enlisted for queue in queues):
            return True
        wanted = list(dict.fromkeys([*self._enlisted, *queues]))
        holders = [keys[5] for queue in wanted for _, keys in self._lanes_of(queue)]
        stands = self._link.run(
            scripts.ENLIST,
            [self._names.node(self.incarnation), *holders],
            (self.incarnation, msgspec.json.encode(wanted)),
        )
        self._lost = not stands
        if stands:
            self._link.call("SADD", self._names.queues, *queues)
            self._enlisted.update(dict.fromkeys(queues))
        return bool(stands)

    def _take_given(self, given: Sequence[tuple[str, bytes]], now: float) -> list[Delivery]:
        """What a wait brought; what of it may not run yet goes among the scheduled ones."""
        deliveries: list[Delivery] = []
        broken: list[Settlement] = []
        for queue, message in given:
            lane, keys = self._lanes_of(queue)[0]
            tag = self._next_tag
            self._next_tag += 1
            due = due_time(message)
            early = due is not None and due > now
            self._adopting.append(ScriptRun(scripts.ADOPT, keys, (tag, repr(due) if early else "")))
            if early:
                continue
            self._hold(message, tag, queue, lane, now, deliveries, broken)
        if broken:
            self.claim((), 0, broken)
        return deliveries

    def _take_in(
        self, lanes: Sequence[tuple[str, str, tuple[str, ...]]], found: Sequence[Any], now: float
    ) -> list[Delivery]:
        deliveries: list[Delivery] = []
        broken: list[Settlement] = []
        place = len(lanes)
        tag = self._next_tag
        for (queue, lane, _), count in zip(lanes, found[: len(lanes)], strict=True):
            for message in found[place : place + count]:
                self._hold(message, tag, queue, lane, now, deliveries, broken)
                tag += 1
            place += count
        self._next_tag = tag
        if broken:
            self.claim((), 0, broken)
        return deliveries

    def _hold(
        self,
        message: bytes,
        tag: int,
        queue: str,
        lane: str,
        now: float,
        deliveries: list[Delivery],
        broken: list[Settlement],
    ) -> None:
        try:
            delivery = decode(message, tag=tag, queue=queue, now=now)
        except MalformedMessage as error:
            broken.append(Bury(tag, f"MalformedMessage: {error}"))
            delivery = unreadable(message, tag=tag, queue=queue, now=now)
        else:
            deliveries.append(delivery)
        self._held[tag] = Claim(queue, lane, delivery.task)

    def claim_parked(self, queues: Sequence[str], limit: int, tasks: Collection[str]) -> list[Delivery]:
        lanes = self._claimable(queues) if limit > 0 else []
        if not lanes:
            return []
        self._resolve_doubt()
        keys = [key for _, _, lane_keys in lanes for key in lane_keys]
        rest = (limit, self._next_tag, self.incarnation, pack(list(tasks)))
        (found,) = self._run([ScriptRun(scripts.CLAIM_PARKED, keys, rest)], limit)
        return self._take_in(lanes, found, self._clock.timestamp())

    def holds(self, tags: Collection[int]) -> set[int]:
        known = [(tag, self._held[tag].lane) for tag in tags if tag in self._held]
        if not known:
            return set()
        self._send_adoptions()
        answers = self._link.pipeline(
            [("HEXISTS", self._names.of_lane(lane, self.incarnation)[1], tag) for tag, lane in known]
        )
        return {tag for (tag, _), stands in zip(known, answers, strict=True) if stands}

    # -- waiting

    def wait(self, queues: Sequence[str], timeout: float, *, tasks: Collection[str] | None = None) -> bool:
        queues = list(dict.fromkeys(queues))
        if self._lost or self._ended or not self._enlist(queues):
            raise self._lease_lost()
        if self._waiting.left_something:
            # It would be taken for what comes now.
            self.rest()
        self._send_adoptions()
        return self._waiting.until(lambda before: self._look(queues, before), queues, timeout)

    def _look(self, queues: Sequence[str], before: Sequence[Command]) -> Sight:
        """Look at these queues; with the commands ``before`` the server tells of their changes from now on.

        Then at all but the lists that we block on: every node would be told of each message in them.
        """
        if not queues:
            return Sight(False, _INFINITE, frozenset())
        steps = range(len(self._names.steps))
        of_lanes = [self._lanes_of(queue)[step][1] for step in reversed(steps) for queue in queues]
        listed = of_lanes[: -len(queues)] if before else of_lanes
        keys = [
            *(one[5] for one in of_lanes),
            *(one[7] for one in of_lanes),
            *(one[2] for one in of_lanes),
            *(one[0] for one in listed),
        ]
        arguments = (repr(self._clock.timestamp()), self.incarnation, len(of_lanes))
        ((ready, *rest),) = self._run([ScriptRun(scripts.LOOK, keys, arguments, before)])
        if ready < 0:
            self._lost = True
            raise self._lease_lost()
        due, *paused = rest
        return Sight(
            bool(ready),
            float(due) if due else _INFINITE,
            frozenset(queue for queue, one in zip(queues, paused, strict=False) if one),
        )

    def wake(self) -> None:
        self._waiting.wake()

    # -- the lease itself

    def renew(self, running: Collection[int]) -> None:
        now = self._clock.timestamp()
        renewed = self._link.run(
            scripts.RENEW,
            [self._names.node(self.incarnation), self._names.nodes],
            (self.incarnation, repr(now), repr(now + self._duration), msgspec.json.encode(list(running))),
        )
        if not renewed:
            self._lost = True
            self._waiting.hang_up()
            raise self._lease_lost()

    def recover_dead(self, *, max_crashes: int, crash_result: CrashResult | None = None) -> Recovered:
        return Recovery(
            link=self._link,
            names=self._names,
            now=self._clock.timestamp(),
            max_crashes=max_crashes,
            crash_result=crash_result,
            joint_results=self._results,
        ).take_over_all(self.incarnation)

    def end(self) -> int:
        if self._ended:
            return 0
        self.rest()
        self._send_adoptions()
        recovery = Recovery(link=self._link, names=self._names, now=self._clock.timestamp())
        given_back = recovery.give_back(self.incarnation)
        self._ended = True
        self._held.clear()
        self._waiting.close()
        return given_back

    def _lease_lost(self) -> LeaseLost:
        return LeaseLost(f"The lease {self.incarnation} was lost: other nodes took this one for dead.")
