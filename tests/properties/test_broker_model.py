"""The broker port against a model: whatever a few nodes and operators do, in whatever order."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sedano.brokers.broker import Broker
from sedano.brokers.crash_attempts import crash_delay
from sedano.brokers.lease import Lease
from sedano.brokers.memory.broker import MemoryBroker
from sedano.brokers.settlement import Bury, Finish, Park, Record, Requeue, Settlement
from sedano.brokers.sqlite.broker import SqliteBroker
from sedano.clock import Clock
from sedano.errors import LeaseLost
from sedano.results.group_store import ChordEnd, ChordPart, WorkflowChange
from sedano.results.memory_store import MemoryResultStore
from sedano.results.result_write import ResultWrite
from sedano.results.sqlite.store import SqliteResultStore
from sedano.results.store import ResultStore
from sedano.sql.sqlite_location import SqliteLocation
from sedano.testing.clock import ManualClock
from sedano.testing.messages import publication

QUEUES = ("q1", "q2")
TASKS = ("tests.add", "tests.sleep")
LEASE_SECONDS = 10.0
CLAIM_SECONDS = 6.0
CHORD_SIZE = 2

queues = st.sampled_from(QUEUES)
tasks = st.sampled_from(TASKS)
node_numbers = st.integers(0, 1)


@dataclass
class ModelMessage:
    """What the port says of one message."""

    order: int
    task_id: str
    task: str
    queue: str
    priority: int
    due: float
    crashes: int = 0
    redelivered: bool = False
    parked: bool = False
    holder: str | None = None
    tag: int | None = None


@dataclass
class ModelChord:
    """How far one chord is; its members are tasks."""

    group_id: str
    members: set[str] = field(default_factory=set)
    claimed_by: str | None = None
    claimed_until: float = 0.0
    ended_at: float | None = None

    def claim(self, member: str, now: float) -> bool:
        """Whether it is this member's to end."""
        if self.ended_at is not None or (self.claimed_by not in (None, member) and self.claimed_until > now):
            return False
        self.claimed_by, self.claimed_until = member, now + CLAIM_SECONDS
        return True

    def add(self, member: str, now: float) -> bool:
        """Whether this member completes it."""
        if self.ended_at is not None:
            return False
        self.members.add(member)
        return len(self.members) >= CHORD_SIZE and self.claim(member, now)


@dataclass
class ModelNode:
    """One incarnation; ``alive`` until its end, or until others took it for dead."""

    lease: Lease
    renewed_at: float
    running: frozenset[int] = frozenset()
    alive: bool = True


class BrokerModel(RuleBasedStateMachine):
    """Two nodes at a time, two queues, two tasks."""

    open_both: Callable[[Clock], tuple[Broker, ResultStore]]

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.broker, self.results = type(self).open_both(self.clock)
        self.live: dict[str, ModelMessage] = {}
        #: The newest last.
        self.dead: list[ModelMessage] = []
        self.stored: dict[str, bytes] = {}
        self.paused: set[str] = set()
        self.chords: list[ModelChord] = []
        self.count = 0
        self.nodes: list[ModelNode] = []
        #: Settled or lost claims, which must never have an effect again: (the lease, the tag).
        self.void: list[tuple[ModelNode, int]] = []
        for number in range(2):
            self.nodes.append(self._begin(number))

    def teardown(self) -> None:
        for node in self.nodes:
            node.lease.end()
        self.broker.close()
        self.results.close()

    # -- clients

    @initialize(priorities=st.lists(st.integers(0, 2), min_size=2, max_size=6))
    def publish_some(self, priorities: list[int]) -> None:
        for priority in priorities:
            self.publish(QUEUES[0], TASKS[0], priority, None)

    @rule(queue=queues, task=tasks, priority=st.integers(0, 2), delay=st.sampled_from([None, -1, 3, 30]))
    def publish(self, queue: str, task: str, priority: int, delay: float | None) -> None:
        due = None if delay is None else self.clock.timestamp() + delay
        task_id = self._new_id()
        self.broker.publish([publication(task_id, queue=queue, task=task, priority=priority, due=due)])
        self._add(task_id, task, queue, priority, due)

    @rule()
    def begin_chord(self) -> None:
        chord = ModelChord(f"chord {len(self.chords)}")
        self.results.groups.begin_chord(chord.group_id, CHORD_SIZE, expires_at=None)
        self.chords.append(chord)

    # -- nodes

    @rule(
        number=node_numbers,
        wanted=st.sampled_from([["q1"], ["q2"], ["q1", "q2"], ["q2", "q1"]]),
        limit=st.integers(2, 5),
        only=st.sampled_from([None, None, None, *TASKS]),
    )
    def claim(self, number: int, wanted: list[str], limit: int, only: str | None) -> None:
        node = self.nodes[number]
        expected = self._line(wanted, only)[:limit] if node.alive else []

        claimed = node.lease.claim(wanted, limit, tasks=None if only is None else [only])

        assert claimed.lost == []
        assert [(d.task_id, d.crashes, d.redelivered) for d in claimed.deliveries] == [
            (message.task_id, message.crashes, message.redelivered) for message in expected
        ]
        for message, delivery in zip(expected, claimed.deliveries, strict=True):
            message.holder, message.tag = node.lease.incarnation, delivery.tag

    @precondition(lambda self: any(self._held(node) for node in self.nodes))
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        node = data.draw(st.sampled_from([node for node in self.nodes if self._held(node)]))
        chosen = data.draw(st.lists(st.sampled_from(self._held(node)), min_size=1, unique_by=id))
        batch = [self._settlement(message, data) for message in chosen]

        assert not any(node.lease.claim(QUEUES, 0, batch))

        for message, settlement in zip(chosen, batch, strict=True):
            self._carry_out(node, message, settlement)

    @precondition(lambda self: self._chords_known() and any(self._held(node) for node in self.nodes))
    @rule(data=st.data(), ends=st.booleans(), kind=st.sampled_from([Finish, Finish, Bury, Record]))
    def settle_a_member(self, data: st.DataObject, ends: bool, kind: type[Finish | Bury | Record]) -> None:
        """Tell the end of a member of a chord, or end the chord in its name; maybe twice, as in an outage."""
        node = data.draw(st.sampled_from([node for node in self.nodes if self._held(node)]))
        message = data.draw(st.sampled_from(self._held(node)))
        chord = data.draw(st.sampled_from(self._chords_known()))
        assert message.tag is not None
        part = ChordPart(chord.group_id, message.task_id, 0, b"document")
        change = (
            WorkflowChange(end=ChordEnd(part.group_id, part.member))
            if ends
            else WorkflowChange(parts=(part,))
        )
        follow_up = publication(self._new_id(), queue=message.queue)
        result = ResultWrite(message.task_id, "FAILURE", b"FAILURE")
        settlement: Finish | Bury | Record = {
            Finish: Finish(message.tag, result, (follow_up,), change),
            Bury: Bury(message.tag, "buried", False, result, (follow_up,), change),
            Record: Record(message.tag, result, (follow_up,), change),
        }[kind]
        tag, now = message.tag, self.clock.timestamp()
        if ends:
            takes_effect, completes = chord.claim(part.member, now), False
            if takes_effect:
                chord.ended_at = now
        else:
            repeated = chord.ended_at is None and chord.claimed_by == part.member
            takes_effect, completes = not repeated, chord.add(part.member, now)

        claimed = node.lease.claim(QUEUES, 0, [settlement])

        assert (claimed.deliveries, claimed.lost) == ([], [])
        assert list(claimed.completing) == ([(tag, chord.group_id)] if completes else [])
        self._carry_out_member(node, message, settlement, takes_effect=takes_effect, completes=completes)
        if completes and data.draw(st.booleans()):
            assert node.lease.claim(QUEUES, 0, [settlement]) == claimed

    @precondition(lambda self: self.void)
    @rule(data=st.data())
    def settle_what_is_void(self, data: st.DataObject) -> None:
        node, tag = data.draw(st.sampled_from(self.void))
        result = ResultWrite("void", "SUCCESS", b"void")
        late: Settlement = data.draw(
            st.sampled_from(
                [
                    Finish(tag, result, (publication("void"),)),
                    Requeue(tag, crashed=True, result=result),
                    Bury(tag, "void", result=result),
                    Record(tag, result, (publication("void"),)),
                    Park(tag),
                ]
            )
        )
        if any(message.tag == tag for message in self._held(node)):
            return  # Claimed again by the same node: then it stands.

        claimed = node.lease.claim(QUEUES, 0, [late])
        assert (claimed.deliveries, claimed.lost, list(claimed.completing)) == ([], [tag], [])

    @rule(number=node_numbers, data=st.data())
    def renew(self, number: int, data: st.DataObject) -> None:
        node = self.nodes[number]
        tags = [message.tag for message in self._held(node) if message.tag is not None]
        running = data.draw(st.frozensets(st.sampled_from(tags), min_size=1)) if tags else frozenset()
        if not node.alive:
            with pytest.raises(LeaseLost):
                node.lease.renew(running)
            return
        node.lease.renew(running)
        node.renewed_at, node.running = self.clock.timestamp(), running

    @precondition(lambda self: any(self._is_silent(node) for node in self.nodes))
    @rule(number=node_numbers)
    def recover_dead(self, number: int) -> None:
        now = self.clock.timestamp()
        recovered = 0
        for node in self.nodes:
            if node is self.nodes[number] or not self._is_silent(node):
                continue
            for message in self._held(node):
                crashed = message.tag in node.running
                message.crashes += crashed
                self._let_go(node, message)
                message.redelivered = True
                message.due = now + crash_delay(message.crashes) if crashed else now
                recovered += 1
            node.alive = False

        assert self.nodes[number].lease.recover_dead() == recovered

    @rule(number=node_numbers)
    def end_and_begin_again(self, number: int) -> None:
        node = self.nodes[number]
        held = self._held(node)
        for message in held:
            self._let_go(node, message)
            message.redelivered, message.due = True, self.clock.timestamp()

        assert node.lease.end() == len(held)

        node.alive = False
        self.nodes[number] = self._begin(number)

    @precondition(lambda self: any(message.parked for message in self.live.values()))
    @rule(number=node_numbers, task=tasks, limit=st.integers(1, 3))
    def claim_parked(self, number: int, task: str, limit: int) -> None:
        node = self.nodes[number]
        parked = [m for m in self._line(QUEUES, task, parked=True) if node.alive][:limit]

        claimed = node.lease.claim_parked(QUEUES, limit, [task])

        assert [(d.task_id, d.crashes) for d in claimed] == [(m.task_id, m.crashes) for m in parked]
        for message, delivery in zip(parked, claimed, strict=True):
            message.parked = False
            message.holder, message.tag = node.lease.incarnation, delivery.tag

    # -- operators and time

    @rule(queue=queues, act=st.sampled_from(["pause", "resume", "resume", "purge", "replay"]))
    def steer(self, queue: str, act: str) -> None:
        match act:
            case "pause":
                self.broker.admin.pause(queue)
                self.paused.add(queue)
            case "resume":
                self.broker.admin.resume(queue)
                self.paused.discard(queue)
            case "purge":
                self._purge(queue)
            case "replay":
                self._replay_the_newest_dead_letter()

    def _purge(self, queue: str) -> None:
        free = [m.task_id for m in self.live.values() if m.queue == queue and m.holder is None]
        for task_id in free:
            del self.live[task_id]

        assert self.broker.admin.purge(queue) == len(free)

    def _replay_the_newest_dead_letter(self) -> None:
        if self.dead and self.dead[-1].task_id in self.live:
            return  # It has completed a chord, and its message is kept.
        letters = self.broker.admin.dead_letters(limit=1)
        assert self.broker.admin.replay([letter.key for letter in letters]) == len(letters)
        for letter in letters:
            message = self.dead.pop()
            assert letter.task_id == message.task_id
            self._add(message.task_id, message.task, message.queue, message.priority, None)

    @rule(seconds=st.sampled_from([0.5, 2.0, 6.0, 11.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    # -- what always holds

    @invariant()
    def every_message_is_in_its_place(self) -> None:
        now = self.clock.timestamp()
        for queue in QUEUES:
            messages = [message for message in self.live.values() if message.queue == queue]
            free = [message for message in messages if message.holder is None and not message.parked]
            depth = self.broker.admin.depth(queue)
            assert depth.ready == sum(message.due <= now for message in free)
            assert depth.scheduled == sum(message.due > now for message in free)
            assert depth.parked == sum(message.parked for message in messages)
            assert depth.claimed == sum(message.holder is not None for message in messages)
            assert depth.paused == (queue in self.paused)
        letters = [letter.task_id for letter in self.broker.admin.dead_letters(limit=1000)]
        assert letters == [message.task_id for message in reversed(self.dead)]

    @invariant()
    def nodes_hold_what_they_claimed(self) -> None:
        for node in self.nodes:
            tags = {message.tag for message in self._held(node)}
            void = {tag for holder, tag in self.void if holder is node}
            assert node.lease.holds({tag for tag in tags | void if tag is not None}) == tags

    @invariant()
    def results_are_those_of_settlements_that_took_effect(self) -> None:
        wanted = {f"task {number}" for number in range(self.count)} | {"void"}
        assert self.results.get_many(wanted) == self.stored

    # -- the model's side of it

    def _begin(self, number: int) -> ModelNode:
        lease = self.broker.lease(
            f"w{number}@host",
            duration=timedelta(seconds=LEASE_SECONDS),
            results=self.results.joint_with(self.broker.location),
        )
        return ModelNode(lease, self.clock.timestamp())

    def _is_silent(self, node: ModelNode) -> bool:
        return node.alive and node.renewed_at + LEASE_SECONDS < self.clock.timestamp()

    def _new_id(self) -> str:
        self.count += 1
        return f"task {self.count - 1}"

    def _add(self, task_id: str, task: str, queue: str, priority: int, due: float | None) -> None:
        order = max((message.order for message in self.live.values()), default=0) + 1
        due = self.clock.timestamp() if due is None else due
        self.live[task_id] = ModelMessage(order, task_id, task, queue, priority, due)

    def _line(self, wanted: list[str], only: str | None, *, parked: bool = False) -> list[ModelMessage]:
        ready = [
            message
            for message in self.live.values()
            if message.queue in wanted
            and message.queue not in self.paused
            and (only is None or message.task == only)
            and message.holder is None
            and message.parked == parked
            and message.due <= self.clock.timestamp()
        ]
        return sorted(ready, key=lambda message: (-message.priority, message.order))

    def _chords_known(self) -> list[ModelChord]:
        """The last two, without those of which even the end may be forgotten."""
        now = self.clock.timestamp()
        return [chord for chord in self.chords[-2:] if chord.ended_at is None or now - chord.ended_at < 200]

    def _held(self, node: ModelNode) -> list[ModelMessage]:
        return [message for message in self.live.values() if message.holder == node.lease.incarnation]

    def _let_go(self, node: ModelNode, message: ModelMessage) -> None:
        assert message.tag is not None
        self.void.append((node, message.tag))
        message.holder = message.tag = None

    def _bury(self, message: ModelMessage) -> None:
        self.dead.append(self.live.pop(message.task_id))

    def _settlement(self, message: ModelMessage, data: st.DataObject) -> Settlement:
        assert message.tag is not None
        state = data.draw(st.sampled_from(["SUCCESS", "FAILURE"]))
        result = ResultWrite(message.task_id, state, state.encode())
        follow_ups = (publication(self._new_id(), queue=message.queue),) if data.draw(st.booleans()) else ()
        due = data.draw(st.sampled_from([None, self.clock.timestamp() + 4]))
        crashed = data.draw(st.booleans())
        return data.draw(
            st.sampled_from(
                [
                    Finish(message.tag, result, follow_ups),
                    Requeue(message.tag, due, crashed),
                    Requeue(message.tag, None, crashed),
                    Requeue(message.tag, due, begun=False),
                    Bury(message.tag, "buried", crashed, result, follow_ups),
                    Park(message.tag),
                    Record(message.tag, result, follow_ups),
                ]
            )
        )

    def _carry_out(self, node: ModelNode, message: ModelMessage, settlement: Settlement) -> None:
        if not isinstance(settlement, Record):
            self._let_go(node, message)
        match settlement:
            case Finish():
                del self.live[message.task_id]
            case Requeue(due=due, crashed=crashed):
                message.redelivered |= settlement.begun
                message.crashes += crashed
                message.due = self.clock.timestamp() if due is None else due
            case Bury():
                self._bury(message)
            case Park():
                message.parked = True
        if not isinstance(settlement, Park | Requeue):
            for follow_up in settlement.follow_ups:
                self._add(follow_up.task_id, follow_up.task, follow_up.queue, follow_up.priority, None)
            if settlement.result is not None:
                self._store(message.task_id, settlement.result.document)

    def _carry_out_member(
        self,
        node: ModelNode,
        message: ModelMessage,
        settlement: Finish | Bury | Record,
        *,
        takes_effect: bool,
        completes: bool,
    ) -> None:
        if takes_effect:
            self._store(message.task_id, b"FAILURE")
            for follow_up in settlement.follow_ups:
                self._add(follow_up.task_id, follow_up.task, follow_up.queue, follow_up.priority, None)
        if isinstance(settlement, Record):
            return
        if takes_effect and isinstance(settlement, Bury):
            self.dead.append(message)
        if not completes:
            self._let_go(node, message)
            del self.live[message.task_id]

    def _store(self, task_id: str, document: bytes) -> None:
        if self.stored.get(task_id) != b"SUCCESS":
            self.stored[task_id] = document


def test_the_memory_broker_follows_the_model() -> None:
    def open_both(clock: Clock) -> tuple[Broker, ResultStore]:
        return MemoryBroker(clock=clock), MemoryResultStore(clock=clock)

    machine = type("MemoryBrokerModel", (BrokerModel,), {"open_both": staticmethod(open_both)})

    run_state_machine_as_test(
        machine, settings=settings(max_examples=300, stateful_step_count=60, deadline=None)
    )


def test_the_sqlite_broker_follows_the_model() -> None:
    with tempfile.TemporaryDirectory() as directory:

        def open_both(clock: Clock) -> tuple[Broker, ResultStore]:
            location = SqliteLocation(path=Path(tempfile.mkdtemp(dir=directory)) / "queue.db")
            return SqliteBroker(location, clock=clock), SqliteResultStore(location, clock=clock)

        machine = type("SqliteBrokerModel", (BrokerModel,), {"open_both": staticmethod(open_both)})

        run_state_machine_as_test(
            machine, settings=settings(max_examples=120, stateful_step_count=60, deadline=None)
        )
