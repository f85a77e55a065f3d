"""Taking over what dead nodes held.

Called by ``RedisLease.recover_dead`` and ``end``. In four steps, each of which can be done again when the one
who does them dies as well: declare the node dead, so that it renews no more; take its right to claim away;
settle what it held, as it could have done itself; forget it. Of several that take over at once, one settles a
message.
"""

import contextlib
from dataclasses import dataclass, field
from typing import Any

import msgspec

from sedano.brokers.crash_attempts import crash_delay, crash_reason
from sedano.brokers.delivery import Delivery
from sedano.brokers.lease import CrashResult, Recovered
from sedano.brokers.redis import scripts
from sedano.brokers.redis.kombu_message import decode
from sedano.brokers.redis.settling import Claim, Settling
from sedano.brokers.redis.waiting import client_name
from sedano.brokers.settlement import Bury, Requeue, Settlement
from sedano.errors import BrokerError, ConfigurationError, MalformedMessage
from sedano.redis.key_names import KeyNames
from sedano.redis.link import RedisLink
from sedano.results.store import JointResults


@dataclass(slots=True, kw_only=True)
class Recovery:
    """One look for dead nodes, and what it brings."""

    link: RedisLink
    names: KeyNames
    now: float
    max_crashes: int = 0
    crash_result: CrashResult | None = None
    joint_results: JointResults | None = None
    _ready: int = 0
    _buried: list[Delivery] = field(default_factory=list)
    _without_result: list[Delivery] = field(default_factory=list)

    def take_over_all(self, incarnation: str) -> Recovered:
        """Take over from every node but this one whose lease has run out."""
        silent = self.link.call("ZRANGEBYSCORE", self.names.nodes, "-inf", f"({self.now!r}")
        for dead in silent:
            if (name := dead.decode()) != incarnation:
                fields = self.link.run(scripts.DOOM, [self.names.node(name)], (repr(self.now),))
                if fields is not None:
                    self._take_over(name, fields)
        return Recovered(self._ready, len(self._buried), tuple(self._without_result))

    def give_back(self, incarnation: str) -> int:
        """End a lease of our own: everything it held is ready again. Returns how many."""
        fields = self.link.run(scripts.DOOM, [self.names.node(incarnation)], ("",))
        self._take_over(incarnation, fields, in_peace=True)
        return self._ready

    def _take_over(self, dead: str, fields: list[bytes], *, in_peace: bool = False) -> None:
        node = {name.decode(): value for name, value in zip(fields[::2], fields[1::2], strict=True)}
        queues: list[str] = msgspec.json.decode(node.get("queues", b"[]"))
        running = set() if in_peace else set(msgspec.json.decode(node.get("running", b"[]")))
        if not in_peace:
            self._cut_off(dead)
        held = self._fence(dead, queues)
        settling = Settling(
            self.names,
            {tag: claim for tag, (claim, _) in held.items()},
            incarnation=dead,
            now=self.now,
            joint_results=self.joint_results,
        )
        buried: dict[int, Delivery] = {}
        for tag, (claim, message) in held.items():
            settlement: Settlement = Requeue(tag)
            if tag in running:
                settlement = self._count_crash(tag, claim, message, node.get("node", b"").decode(), buried)
            settling.add(settlement)
        if not settling.is_empty:
            places = self.link.run(scripts.SETTLE, settling.keys(), settling.arguments())
            lost = set(settling.lost(places))
            self._note({tag: buried.get(tag) for tag in held if tag not in lost})
        self.link.transaction(
            [("DEL", self.names.node(dead)), ("ZREM", self.names.nodes, dead)],
        )

    def _cut_off(self, dead: str) -> None:
        """Close what a node is blocked on that is only frozen: it would be given messages after the fence."""
        name = f" name={client_name(dead)} ".encode()
        with contextlib.suppress(BrokerError, ConfigurationError):  # Not permitted: it unblocks by itself.
            clients = [line for line in self.link.call("CLIENT", "LIST").splitlines() if name in line]
            self.link.pipeline(
                [("CLIENT", "KILL", "ID", line.partition(b" ")[0].removeprefix(b"id=")) for line in clients]
            )

    def _fence(self, dead: str, queues: list[str]) -> dict[int, tuple[Claim, bytes]]:
        lanes = [(queue, lane) for queue in queues for lane in self.names.lanes(queue)]
        if not lanes:
            return {}
        keys = [key for _, lane in lanes for key in self.names.of_lane(lane, dead)]
        held: dict[int, tuple[Claim, bytes]] = {}
        for (queue, lane), entries in zip(lanes, self.link.run(scripts.FENCE, keys, (dead,)), strict=True):
            for tag, message in zip(entries[::2], entries[1::2], strict=True):
                held[int(tag)] = Claim(queue, lane, ""), message
        return held

    def _count_crash(
        self, tag: int, claim: Claim, message: bytes, node: str, buried: dict[int, Delivery]
    ) -> Settlement:
        try:
            survivor = decode(message, tag=tag, queue=claim.queue, now=self.now)
        except MalformedMessage:
            return Requeue(tag)
        suspect = msgspec.structs.replace(survivor, crashes=survivor.crashes + 1)
        if suspect.crashes <= self.max_crashes:
            return Requeue(tag, due=self.now + crash_delay(suspect.crashes), crashed=True)
        buried[tag] = suspect
        reason = crash_reason(node, suspect.crashes)
        result = self.crash_result(suspect, reason) if self.crash_result is not None else None
        return Bury(tag, reason, crashed=True, result=result)

    def _note(self, settled: dict[int, Any]) -> None:
        for suspect in settled.values():
            if suspect is None:
                self._ready += 1
            else:
                self._buried.append(suspect)
                if self.joint_results is None or self.crash_result is None:
                    self._without_result.append(suspect)
