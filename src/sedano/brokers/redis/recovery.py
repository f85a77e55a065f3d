"""Taking over what dead nodes held.

Called by ``RedisLease.recover_dead`` and ``end``. In four steps, each of which can be done again when the one
who does them dies as well: declare the node dead, so that it renews no more; take its right to claim away;
settle what it held, as it could have done itself; forget it. Of several that take over at once, one settles a
message.
"""

import contextlib

import msgspec

from sedano.brokers.crash_attempts import crash_delay
from sedano.brokers.redis import scripts
from sedano.brokers.redis.kombu_message import decode
from sedano.brokers.redis.lane_scripts import LaneScripts
from sedano.brokers.redis.script_runners import lane_scripts
from sedano.brokers.redis.settling import Claim
from sedano.brokers.redis.waiting import client_name
from sedano.brokers.settlement import Requeue
from sedano.errors import BrokerError, ConfigurationError, MalformedMessage
from sedano.redis.key_names import KeyNames
from sedano.redis.links import Link


class Recovery:
    """One look for dead nodes."""

    def __init__(self, link: Link, names: KeyNames, now: float) -> None:
        self._link = link
        self._names = names
        self._now = now

    def take_over_all(self, incarnation: str) -> int:
        """Take over from every node but this one whose lease has run out. Returns how many messages."""
        ready = 0
        silent = self._link.call("ZRANGEBYSCORE", self._names.nodes, "-inf", f"({self._now!r}")
        for dead in silent:
            if (name := dead.decode()) != incarnation:
                fields = self._link.run(scripts.DOOM, [self._names.node(name)], (repr(self._now),))
                if fields is not None:
                    ready += self._take_over(name, fields)
        return ready

    def give_back(self, incarnation: str) -> int:
        """End a lease of our own: everything it held is ready again. Returns how many."""
        fields = self._link.run(scripts.DOOM, [self._names.node(incarnation)], ("",))
        return self._take_over(incarnation, fields, in_peace=True)

    def _take_over(self, dead: str, fields: list[bytes], *, in_peace: bool = False) -> int:
        node = {name.decode(): value for name, value in zip(fields[::2], fields[1::2], strict=True)}
        queues: list[str] = msgspec.json.decode(node.get("queues", b"[]"))
        running = set() if in_peace else set(msgspec.json.decode(node.get("running", b"[]")))
        if not in_peace:
            self._cut_off(dead)
        runner = lane_scripts(self._link, self._names, dead, joint_results=None)
        held = self._fence(runner, queues)
        settling = [
            self._crashed(tag, claim, message) if tag in running else Requeue(tag)
            for tag, (claim, message) in held.items()
        ]
        claims = {tag: claim for tag, (claim, _) in held.items()}
        lost = runner.settle_and_claim(claims, settling, self._now).lost
        self._link.transaction(
            [("DEL", self._names.node(dead)), ("ZREM", self._names.nodes, dead)],
        )
        return len(held) - len(lost)

    def _cut_off(self, dead: str) -> None:
        """Close what a node is blocked on that is only frozen: it would be given messages after the fence."""
        name = f" name={client_name(dead)} ".encode()
        with contextlib.suppress(BrokerError, ConfigurationError):  # Not permitted: it unblocks by itself.
            for server in self._link.servers():
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

    def _crashed(self, tag: int, claim: Claim, message: bytes) -> Requeue:
        try:
            survivor = decode(message, tag=tag, queue=claim.queue, now=self._now)
        except MalformedMessage:
            return Requeue(tag)
        return Requeue(tag, due=self._now + crash_delay(survivor.crashes + 1), crashed=True)
