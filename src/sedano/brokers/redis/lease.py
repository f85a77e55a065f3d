"""The Redis broker's side of one node: what it claims, settles, renews and takes over.

Made by ``RedisBroker.lease``. Owned by one thread, but for ``wake``.
"""

import contextlib
from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from typing import Final

import msgspec

from sedano import ids
from sedano.brokers.delivery import Delivery
from sedano.brokers.lease import Claimed
from sedano.brokers.redis import scripts
from sedano.brokers.redis.kombu_message import decode, due_time, unreadable
from sedano.brokers.redis.lane_scripts import Found, Lane, Wanted
from sedano.brokers.redis.recovery import Recovery
from sedano.brokers.redis.script_runners import lane_scripts
from sedano.brokers.redis.settling import Claim
from sedano.brokers.redis.waiting import Sight, Waiting
from sedano.brokers.settlement import Bury, Record, Requeue, Settlement
from sedano.brokers.turns import CLOCKS_AGREE, EARLY, FARTHEST, TOGETHER, UNUSED
from sedano.clock import Clock
from sedano.errors import BrokerError, LeaseLost, MalformedMessage
from sedano.redis.key_names import KeyNames
from sedano.redis.link import Command
from sedano.redis.links import Link
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
        link: Link,
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
        self._clock = clock
        #: What the owner was told of and has not settled, by tag.
        self._held: dict[int, Claim] = {}
        self._next_tag = 1
        #: The first and the last tag of a claim whose answer was lost.
        self._in_doubt: tuple[int, int] | None = None
        self._noted: set[str] = set()
        self._enlisted: dict[str, None] = {}
        #: Queue -> its lanes, the most urgent first.
        self._lanes: dict[str, list[Lane]] = {}
        self._turn = 0
        #: What a wait brought, and the owner was not told of yet: a call that was to tell it may fail.
        self._untold: list[Delivery] = []
        self._scripts = lane_scripts(link, names, self.incarnation, joint_results=results)
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
        if tasks is not None:
            return self._claim_some(queues, limit, settling, tasks, now)
        self._untold += self._take_given(self._waiting.take(queues, limit - len(self._untold)), now)
        given = self._untold[:limit]
        if given and not settling:
            return Claimed(self._told(given), [])
        limit -= len(given)
        lanes = self._claimable(queues) if limit > 0 else []
        wanted = None
        if lanes:
            self._resolve_doubt()
            steps = [step for step in self._names.steps for _ in range(len(lanes) // len(self._names.steps))]
            wanted = Wanted(lanes, steps, limit, self._next_tag, self._has_left_something())
        with self._doubting(limit if lanes else 0):
            outcome = self._scripts.settle_and_claim(self._held, settling, now, wanted)
        kept = {tag for tag, _ in outcome.completing}
        for settlement in settling:
            if (
                settlement.tag is not None
                and settlement.tag not in kept
                and not isinstance(settlement, Record)
            ):
                self._held.pop(settlement.tag, None)
        self._note_queues(outcome.queues)
        if wanted is not None:
            self._lost = not outcome.stands
            self._waiting.left_something = False
        found = self._take_in(outcome.found, now) if outcome.stands else []
        return Claimed(self._told(given) + found, outcome.lost, outcome.completing)

    def _claim_some(
        self,
        queues: Sequence[str],
        limit: int,
        settling: Sequence[Settlement],
        tasks: Collection[str],
        now: float,
    ) -> Claimed:
        # What a wait for any task has brought is for others now.
        returning = [Requeue(delivery.tag, begun=False) for delivery in self._untold]
        self._untold.clear()
        settled = self.claim((), 0, [*settling, *returning])
        lanes = self._claimable(queues) if limit > 0 and tasks else []
        if not lanes:
            return settled
        self._resolve_doubt()
        with self._doubting(limit):
            found = self._scripts.claim_some(lanes, limit, self._next_tag, tasks, now)
        return settled._replace(deliveries=self._take_in(found, now))

    def _told(self, given: list[Delivery]) -> list[Delivery]:
        """Given as they are; from now on they are the owner's."""
        del self._untold[: len(given)]
        return given

    def _note_queues(self, queues: Collection[str]) -> None:
        """Have the queues that follow-ups went to listed."""
        if new := set(queues) - self._noted:
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
            self._scripts.empty_inboxes(self._all_lanes())
            self._waiting.left_something = False

    def _all_lanes(self) -> list[Lane]:
        return [lane for queue in self._enlisted for lane in self._lanes_of(queue)]

    @contextlib.contextmanager
    def _doubting(self, limit: int) -> Iterator[None]:
        """Should a call fail that may have claimed up to ``limit`` messages: give those back before the next.

        Claimed or not, we cannot know. Their tags are used up.
        """
        first = self._next_tag
        try:
            yield
        except BrokerError:
            if limit:
                self._next_tag = first + limit
                self._in_doubt = first, self._next_tag - 1
            raise

    def _resolve_doubt(self) -> None:
        if self._in_doubt is not None:
            self._scripts.give_back(self._all_lanes(), *self._in_doubt)
            self._in_doubt = None

    def _claimable(self, queues: Sequence[str]) -> list[Lane]:
        """Every lane: by urgency, and among equals each queue first in its turn."""
        queues = list(dict.fromkeys(queues))
        if not queues or self._ended or not self._enlist(queues):
            return []
        turn = self._turn % len(queues)
        self._turn += 1
        queues = queues[turn:] + queues[:turn]
        return [self._lanes_of(queue)[place] for place in range(len(self._names.steps)) for queue in queues]

    def _lanes_of(self, queue: str) -> list[Lane]:
        lanes = self._lanes.get(queue)
        if lanes is None:
            lanes = self._lanes[queue] = self._scripts.lanes_of(queue)
        return lanes

    def _enlist(self, queues: Sequence[str]) -> bool:
        """Have it noted that we claim from these, so that whoever takes over knows; False if we may not."""
        if all(queue in self._enlisted for queue in queues):
            return True
        wanted = list(dict.fromkeys([*self._enlisted, *queues]))
        stands = self._scripts.enlist([lane for queue in wanted for lane in self._lanes_of(queue)], wanted)
        self._lost = not stands
        if stands:
            self._link.call("SADD", self._names.queues, *queues)
            self._enlisted.update(dict.fromkeys(queues))
        return stands

    def _take_given(self, given: Sequence[tuple[str, bytes]], now: float) -> list[Delivery]:
        """What a wait brought; what of it may not run yet goes among the scheduled ones."""
        deliveries: list[Delivery] = []
        broken: list[Settlement] = []
        for queue, message in given:
            lane = self._lanes_of(queue)[0]
            tag = self._next_tag
            self._next_tag += 1
            due = due_time(message)
            early = due is not None and due > now
            self._scripts.adopt(lane, tag, message, repr(due) if early else "")
            if not early:
                self._hold(message, tag, lane, now, deliveries, broken)
        if broken:
            self.claim((), 0, broken)
        return deliveries

    def _take_in(self, found: Sequence[Found], now: float) -> list[Delivery]:
        deliveries: list[Delivery] = []
        broken: list[Settlement] = []
        for lane, tag, messages in found:
            for message in messages:
                self._hold(message, tag, lane, now, deliveries, broken)
                tag += 1
            self._next_tag = max(self._next_tag, tag)
        if broken:
            self.claim((), 0, broken)
        return deliveries

    def _hold(
        self,
        message: bytes,
        tag: int,
        lane: Lane,
        now: float,
        deliveries: list[Delivery],
        broken: list[Settlement],
    ) -> None:
        try:
            delivery = decode(message, tag=tag, queue=lane.queue, now=now)
        except MalformedMessage as error:
            broken.append(Bury(tag, f"MalformedMessage: {error}"))
            delivery = unreadable(message, tag=tag, queue=lane.queue, now=now)
        else:
            deliveries.append(delivery)
        self._held[tag] = Claim(lane.queue, lane.name, delivery.task)

    def claim_parked(self, queues: Sequence[str], limit: int, tasks: Collection[str]) -> list[Delivery]:
        lanes = self._claimable(queues) if limit > 0 else []
        if not lanes:
            return []
        self._resolve_doubt()
        with self._doubting(limit):
            found = self._scripts.claim_parked(lanes, limit, self._next_tag, tasks)
        return self._take_in(found, self._clock.timestamp())

    def holds(self, tags: Collection[int]) -> set[int]:
        return self._scripts.holding({tag: self._held[tag].lane for tag in tags if tag in self._held})

    def reread(self, tags: Collection[int]) -> list[Delivery]:
        now = self._clock.timestamp()
        held = self._scripts.reread({tag: self._held[tag].lane for tag in tags if tag in self._held})
        return [
            decode(message, tag=tag, queue=self._held[tag].queue, now=now) for tag, message in held.items()
        ]

    def take_turns(self, task: str, seconds: float, count: int, *, most: int) -> Sequence[float]:
        moments = (EARLY, TOGETHER, FARTHEST, CLOCKS_AGREE, UNUSED)
        arguments = (repr(self._clock.timestamp()), repr(seconds), count, most, *moments)
        turns = self._link.run(scripts.TAKE_TURNS, [self._names.rate(task)], arguments)
        return [float(turn) for turn in turns]

    # -- waiting

    def wait(self, queues: Sequence[str], timeout: float, *, tasks: Collection[str] | None = None) -> bool:
        queues = list(dict.fromkeys(queues))
        if self._lost or self._ended or not self._enlist(queues):
            raise self._lease_lost()
        if self._waiting.left_something:
            # It would be taken for what comes now.
            self.rest()
        self._scripts.send_adoptions()
        if tasks is not None:
            # The lists cannot tell what comes in for whom.
            self.rest()
            return self._waiting.doze(timeout)
        return self._waiting.until(lambda before: self._look(queues, before), queues, timeout)

    def _look(self, queues: Sequence[str], before: Sequence[Command]) -> Sight:
        """Look at these queues; with the commands ``before`` the server tells of their changes from now on.

        Then at all but the lists that we block on: every node would be told of each message in them.
        """
        if not queues:
            return Sight(False, _INFINITE, frozenset())
        steps = range(len(self._names.steps))
        lanes = [self._lanes_of(queue)[step] for step in reversed(steps) for queue in queues]
        listed = lanes[: -len(queues)] if before else lanes
        ready, due, paused = self._scripts.look(lanes, listed, self._clock.timestamp(), before)
        if ready < 0:
            self._lost = True
            raise self._lease_lost()
        return Sight(
            bool(ready),
            _INFINITE if due is None else due,
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

    def recover_dead(self) -> int:
        recovery = Recovery(self._link, self._names, self._clock.timestamp())
        return recovery.take_over_all(self.incarnation)

    def end(self) -> int:
        if self._ended:
            return 0
        self.rest()
        self._scripts.send_adoptions()
        recovery = Recovery(self._link, self._names, self._clock.timestamp())
        given_back = recovery.give_back(self.incarnation)
        self._ended = True
        self._held.clear()
        self._waiting.close()
        return given_back

    def _lease_lost(self) -> LeaseLost:
        return LeaseLost(f"The lease {self.incarnation} was lost: other nodes took this one for dead.")
