"""The memory broker's side of one node.

Made by ``MemoryBroker.lease``. Owned by one thread, but for ``wake``.
"""

import time
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final, assert_never

from sedano import ids
from sedano.brokers.crash_attempts import crash_delay
from sedano.brokers.delivery import Delivery
from sedano.brokers.lease import Claimed
from sedano.brokers.memory.storage import Message, Node, Storage
from sedano.brokers.settlement import Bury, Finish, Park, Record, Requeue, Settlement
from sedano.brokers.workflow_step import WorkflowStep, carry_out
from sedano.clock import Clock
from sedano.errors import LeaseLost
from sedano.results.store import JointResults

#: Look again this often at least: a manual clock may have been turned meanwhile, and tells nobody.
_LONGEST_SLEEP: Final = 0.05


class MemoryLease:
    """A ``Lease``."""

    def __init__(
        self,
        storage: Storage,
        node: str,
        *,
        duration: timedelta,
        results: JointResults | None,
        clock: Clock,
    ) -> None:
        self.incarnation = ids.incarnation(node)
        self._storage = storage
        self._results = results
        self._clock = clock
        self._woken = False  # set by any thread, cleared by the owner; under storage.changed
        now = clock.timestamp()
        with storage.changed:
            storage.nodes[self.incarnation] = Node(node, self.incarnation, now, now, duration.total_seconds())

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
        with self._storage.changed:
            completing: list[tuple[int, str]] = []
            lost = [s.tag for s in settling if not self._settle(s, now, completing) and s.tag is not None]
            if settling:
                self._storage.changed.notify_all()
            if limit <= 0 or self.incarnation not in self._storage.nodes:
                return Claimed([], lost, completing)
            self._storage.promote(now)
            line = sorted(self._ready(queues, tasks, now), key=Message.place_in_line)
            for message in line[:limit]:
                message.claimed_by = self.incarnation
            return Claimed([message.delivery() for message in line[:limit]], lost, completing)

    def _ready(self, queues: Collection[str], tasks: Collection[str] | None, now: float) -> list[Message]:
        opened = set(queues) - self._storage.paused
        return [
            message
            for message in self._storage.messages.values()
            if message.queue in opened
            and (tasks is None or message.task in tasks)
            and message.state(now) == "ready"
        ]

    def _settle(self, settlement: Settlement, now: float, completing: list[tuple[int, str]]) -> bool:
        """Carry out one settlement; False if its claim does not stand."""
        tag = settlement.tag
        message = None if tag is None else self._held(tag)
        if tag is not None and message is None:
            return False
        change = None if isinstance(settlement, Requeue | Park) else settlement.workflow
        step = carry_out(change, self._results, None, is_claimed=tag is not None)
        if tag is not None and message is not None:
            completing += [(tag, group_id) for group_id in step.completed]
            self._move(message, settlement, step, now)
        if step.takes_effect:
            self._follow_up(settlement, now)
        return True

    def _move(self, message: Message, settlement: Settlement, step: WorkflowStep, now: float) -> None:
        match settlement:
            case Finish():
                if not step.completed:
                    del self._storage.messages[message.key]
            case Requeue():
                message.crashes += settlement.crashed
                self._storage.requeue(message, now, due=settlement.due, begun=settlement.begun)
            case Bury():
                if step.takes_effect:
                    crashes = message.crashes + settlement.crashed
                    self._storage.bury(message, settlement.reason, now, crashes=crashes)
                if not step.completed:
                    del self._storage.messages[message.key]
            case Park():
                message.claimed_by = None
                message.parked = True
            case Record():
                pass
            case _:
                assert_never(settlement)

    def _follow_up(self, settlement: Settlement, now: float) -> None:
        if isinstance(settlement, Park):
            return
        results = [] if settlement.result is None else [settlement.result]
        if not isinstance(settlement, Requeue):
            if settlement.workflow is not None:
                results += settlement.workflow.results
            for publication in settlement.follow_ups:
                self._storage.publish(publication, now)
        if results and self._results is not None:
            self._results.write(None, results)

    def _held(self, tag: int) -> Message | None:
        message = self._storage.messages.get(tag)
        return message if message is not None and message.claimed_by == self.incarnation else None

    def claim_parked(self, queues: Sequence[str], limit: int, tasks: Collection[str]) -> list[Delivery]:
        with self._storage.changed:
            if self.incarnation not in self._storage.nodes:
                return []
            opened = set(queues) - self._storage.paused
            parked = self._storage.where(lambda m: m.parked and m.task in tasks and m.queue in opened)
            line = sorted(parked, key=Message.place_in_line)[:limit]
            for message in line:
                message.parked = False
                message.claimed_by = self.incarnation
            return [message.delivery() for message in line]

    def holds(self, tags: Collection[int]) -> set[int]:
        with self._storage.changed:
            return {tag for tag in tags if self._held(tag) is not None}

    def reread(self, tags: Collection[int]) -> list[Delivery]:
        with self._storage.changed:
            held = [self._held(tag) for tag in tags]
            return [message.delivery() for message in held if message is not None]

    def take_turns(self, task: str, seconds: float, count: int, *, most: int) -> Sequence[float]:
        with self._storage.changed:
            turns = self._storage.turns[task]
            return turns.take(self._clock.timestamp(), seconds, count, most=most)

    # -- waiting

    def wait(self, queues: Sequence[str], timeout: float, *, tasks: Collection[str] | None = None) -> bool:
        deadline = time.monotonic() + timeout
        with self._storage.changed:
            while not self._woken:
                if self.incarnation not in self._storage.nodes:
                    raise self._lease_lost()
                now = self._clock.timestamp()
                if self._ready(queues, tasks, now):
                    return True
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._storage.changed.wait(min(left, _LONGEST_SLEEP, self._seconds_until_due(queues, now)))
            self._woken = False
            return True

    def _seconds_until_due(self, queues: Collection[str], now: float) -> float:
        scheduled = [
            m.due for m in self._storage.messages.values() if m.due is not None and m.queue in queues
        ]
        return max(0.0, min(scheduled, default=float("inf")) - now)

    def wake(self) -> None:
        with self._storage.changed:
            self._woken = True
            self._storage.changed.notify_all()

    def rest(self) -> None:
        """Nothing is sent ahead of a claim."""

    # -- the lease itself

    def renew(self, running: Collection[int]) -> None:
        with self._storage.changed:
            node = self._storage.nodes.get(self.incarnation)
            if node is None:
                raise self._lease_lost()
            node.renewed_at = self._clock.timestamp()
            node.running = frozenset(running)

    def recover_dead(self) -> int:
        now = self._clock.timestamp()
        recovered = 0
        with self._storage.changed:
            for node in list(self._storage.nodes.values()):
                if node.incarnation == self.incarnation or node.renewed_at + node.lease_seconds >= now:
                    continue
                del self._storage.nodes[node.incarnation]
                for message in self._storage.held_by(node.incarnation):
                    crashed = message.key in node.running
                    message.crashes += crashed
                    due = now + crash_delay(message.crashes) if crashed else None
                    self._storage.requeue(message, now, due=due)
                    recovered += 1
            self._storage.changed.notify_all()
        return recovered

    def end(self) -> int:
        now = self._clock.timestamp()
        with self._storage.changed:
            self._storage.nodes.pop(self.incarnation, None)
            held = self._storage.held_by(self.incarnation)
            for message in held:
                self._storage.requeue(message, now)
            self._storage.changed.notify_all()
            return len(held)

    def _lease_lost(self) -> LeaseLost:
        return LeaseLost(f"The lease {self.incarnation} was lost: other nodes took this one for dead.")
