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
from sedano.brokers.redis.lane_scripts import LaneScripts
from sedano.brokers.redis.script_runners import lane_scripts
from sedano.brokers.redis.settling import Claim
from sedano.brokers.redis.waiting import client_name
from sedano.brokers.settlement import Bury, Requeue, Settlement
from sedano.errors import BrokerError, ConfigurationError, MalformedMessage
from sedano.redis.key_names import KeyNames
from sedano.redis.links import Link
from sedano.results.store import JointResults


@dataclass(slots=True, kw_only=True)
class Recovery:
    """One look for dead nodes, and what it brings."""

    link: Link
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
        runner = lane_scripts(self.link, self.names, dead, joint_results=self.joint_results)
        held = self._fence(runner, queues)
        settling: list[Settlement] = []
        buried: dict[int, Delivery] = {}
        for tag, (claim, message) in held.items():
            settlement: Settlement = Requeue(tag)
            if tag in running:
                settlement = self._count_crash(tag, claim, message, node.get("node", b"").decode(), buried)
            settling.append(settlement)
        claims = {tag: claim for tag, (claim, _) in held.items()}
        lost = set(runner.settle_and_claim(claims, settling, self.now).lost)
        self._note({tag: buried.get(tag) for tag in held if tag not in lost})
        self.link.transaction(
            [("DEL", self.names.node(dead)), ("ZREM", self.names.nodes, dead)],
        )

    def _cut_off(self, dead: str) -> None:
        """Close what a node is blocked on that is only frozen: it would be given messages after the fence."""
        name = f" name={client_name(dead)} ".encode()
        with contextlib.suppress(BrokerError, ConfigurationError):  # Not permitted: it unblocks by itself.
            for server in self.link.servers():
                clients = [line for line in server.call("CLIENT", "LIST").splitlines() if name in line]
                numbers = [line.partition(b" ")[0].removeprefix(b"id=") for line in clients]
                server.pipeline([("CLIENT", "KILL", "ID", number) for number in numbers])

    def _fence(self, runner: LaneScripts, queues: list[str]) -> dict[int, tuple[Claim, bytes]]:
        lanes = [lane for queue in queues for lane in runner.lanes_of(queue)]
        if not lanes:
            return {}
        held: dict[int, tuple[Claim, bytes]] = {}
        for lane, entries in zip(lanes, runner.fence(lanes), strict=True):
            for tag, message in zip(entries[::2], entries[1::2], strict=True):
                held[int(tag)] = Claim(lane.queue, lane.name, ""), message
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
