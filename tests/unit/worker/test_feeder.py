"""The thread between broker and node: what it claims, what it keeps, what it gives back."""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from sedano.brokers.broker import Broker
from sedano.brokers.lease import Claimed, Lease
from sedano.brokers.memory.broker import MemoryBroker
from sedano.brokers.settlement import Bury, Finish, Park, Record, Settlement
from sedano.errors import BrokerUnavailable
from sedano.execution.ending import ChordComplete
from sedano.execution.job import Job
from sedano.results.group_store import ChordEnd, ChordPart, WorkflowChange
from sedano.results.memory_store import MemoryResultStore
from sedano.results.result_write import ResultWrite
from sedano.testing.broker_cases.fixtures import begin_lease
from sedano.testing.clock import ManualClock
from sedano.testing.messages import publication
from sedano.worker.admission import Admission
from sedano.worker.feeder import Feeder
from tests.unit.worker.conftest import plan, traits

PATIENCE = 20.0


class BlinkingLease:
    """A lease whose broker does not answer while ``away`` is set."""

    def __init__(self, lease: Lease, away: threading.Event) -> None:
        self._lease = lease
        self._away = away
        self.claims = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lease, name)

    def claim(
        self,
        queues: Sequence[str],
        limit: int,
        settling: Sequence[Settlement] = (),
        *,
        tasks: Collection[str] | None = None,
    ) -> Claimed:
        if self._away.is_set():
            raise BrokerUnavailable("blinking", "it is away")
        self.claims += bool(limit)
        return self._lease.claim(queues, limit, settling, tasks=tasks)


class BlinkingBroker:
    """A memory broker that can go away and come back."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self.away = threading.Event()
        self.leases: list[BlinkingLease] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)

    def lease(self, node: str, *, duration: timedelta, results: Any = None) -> Any:
        lease = BlinkingLease(self._broker.lease(node, duration=duration, results=results), self.away)
        self.leases.append(lease)
        return lease


class Desk:
    """A feeder at work, and what it has handed over."""

    def __init__(
        self, broker: Broker, results: MemoryResultStore, clock: ManualClock, **changes: Any
    ) -> None:
        tasks = {"tests.add": traits(), "tests.once": traits(acks_late=False)}
        made = plan(**{"tasks": tasks, **changes})
        self.jobs: list[tuple[Job, int]] = []
        self.lost: list[int] = []
        self.news = threading.Semaphore(0)
        self.failures: list[BaseException] = []
        self.listens = threading.Semaphore(0)
        self.feeder = Feeder(
            made,
            broker,
            results,
            admission=Admission(made, clock=clock),
            hand_over=lambda jobs, generation: self.jobs.extend((job, generation) for job in jobs),
            news=self.news.release,
            lease_lost=self.lost.append,
            failed=self.failures.append,
            listens=self.listens.release,
        )
        self.feeder.start()

    def allow(self, total: int) -> None:
        self.feeder.allow({"prefork": total})

    def ids(self) -> list[str]:
        return [job.delivery.task_id for job, _ in self.jobs]

    def tag(self, task_id: str) -> int:
        return next(job.delivery.tag for job, _ in self.jobs if job.delivery.task_id == task_id)


def eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        pause.wait(0.002)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def broker(clock: ManualClock) -> Iterator[BlinkingBroker]:
    memory = MemoryBroker(clock=clock)
    yield BlinkingBroker(memory)
    memory.close()


@pytest.fixture
def results(clock: ManualClock) -> MemoryResultStore:
    return MemoryResultStore(clock=clock)


@pytest.fixture
def desk(broker: Any, results: MemoryResultStore, clock: ManualClock) -> Iterator[Desk]:
    desk = Desk(broker, results, clock)
    yield desk
    broker.away.clear()
    assert desk.feeder.stop(PATIENCE)
    assert desk.failures == []


def test_a_message_that_wakes_the_feeder_is_announced_before_it_is_claimed(desk: Desk, broker: Any) -> None:
    desk.allow(1)
    eventually(lambda: broker.leases and broker.leases[0].claims)

    broker.publish([publication("a")])

    assert desk.news.acquire(timeout=PATIENCE)
    eventually(lambda: desk.ids() == ["a"])


def test_a_ready_message_is_soon_found_behind_many_that_are_not_due(
    desk: Desk, broker: Any, clock: ManualClock
) -> None:
    later = datetime.fromtimestamp(clock.timestamp() + 3600, UTC).isoformat()
    headers = f'{{"task": "tests.add", "id": "later", "eta": "{later}"}}'.encode()
    not_due = [publication(f"later{n}") for n in range(2000)]
    broker.publish(
        [replace(one, envelope=replace(one.envelope, headers=headers)) for one in not_due]
        + [publication("ready"), publication("next")]
    )

    desk.allow(1)
    eventually(lambda: desk.jobs)

    assert desk.ids() == ["ready"]
    assert broker.leases[0].claims < 20
    eventually(lambda: broker.admin.depth("celery").scheduled == 2000)
    assert broker.admin.find("next").state == "ready"


def test_no_more_is_handed_over_than_was_allowed(desk: Desk, broker: Any) -> None:
    broker.publish([publication(f"t{n}") for n in range(5)])

    desk.allow(2)
    eventually(lambda: len(desk.jobs) == 2)
    desk.allow(3)
    eventually(lambda: len(desk.jobs) == 3)

    assert desk.ids() == ["t0", "t1", "t2"]
    assert broker.admin.depth("celery").ready == 2


MIXED = {
    "pools": {"prefork": 1, "threads": 9},
    "tasks": {"tests.add": traits(), "tests.limited": traits(time_limit=5.0)},
}


def test_only_what_fits_a_free_slot_is_claimed(
    broker: Any, results: MemoryResultStore, clock: ManualClock
) -> None:
    broker.publish([publication(f"l{n}", task="tests.limited") for n in range(3)])
    broker.publish([publication(f"t{n}") for n in range(30)])
    desk = Desk(broker, results, clock, **MIXED)

    desk.feeder.allow({"prefork": 1, "threads": 9})
    eventually(lambda: len(desk.jobs) == 10)

    assert sorted(desk.ids()) == ["l0", *(f"t{n}" for n in range(9))]
    assert (broker.admin.depth("celery").ready, broker.admin.depth("celery").claimed) == (23, 10)
    desk.feeder.allow({"prefork": 1, "threads": 10})
    eventually(lambda: len(desk.jobs) == 11)
    assert desk.ids()[-1] == "t9"
    assert desk.feeder.stop(PATIENCE)


def test_a_call_that_needs_another_slot_than_its_task_is_tried_again_later(
    broker: Any, results: MemoryResultStore, clock: ManualClock
) -> None:
    headers = b'{"task": "tests.add", "id": "by-call", "timelimit": [5, null]}'
    one = publication("by-call")
    broker.publish([replace(one, envelope=replace(one.envelope, headers=headers))])
    desk = Desk(broker, results, clock, **MIXED)

    desk.feeder.allow({"prefork": 0, "threads": 9})
    eventually(lambda: broker.admin.depth("celery").scheduled == 1)
    desk.feeder.allow({"prefork": 1, "threads": 9})
    clock.advance(1.0)

    eventually(lambda: [job.slot for job, _ in desk.jobs] == ["prefork"])
    assert desk.feeder.stop(PATIENCE)


def test_a_task_for_slots_that_are_not_here_is_parked(
    broker: Any, results: MemoryResultStore, clock: ManualClock
) -> None:
    broker.publish([publication("elsewhere")])
    desk = Desk(broker, results, clock, pools={"threads": 9}, tasks={"tests.add": traits(pool="prefork")})

    desk.feeder.allow({"threads": 9})

    eventually(lambda: broker.admin.depth("celery").parked == 1)
    assert desk.jobs == []
    assert desk.feeder.stop(PATIENCE)


def test_settlements_reach_the_broker_with_their_results(
    desk: Desk, broker: Any, results: MemoryResultStore
) -> None:
    broker.publish([publication("a")])
    desk.allow(1)
    eventually(lambda: desk.jobs)

    desk.feeder.settle([Finish(desk.tag("a"), ResultWrite("a", "SUCCESS", b"{}"))], 0)

    eventually(lambda: results.get("a") == b"{}")
    assert broker.admin.queues() == []


def test_it_says_once_that_it_listens_when_the_broker_has_answered_a_claim(
    broker: Any, results: MemoryResultStore, clock: ManualClock
) -> None:
    broker.away.set()
    desk = Desk(broker, results, clock)
    desk.allow(1)
    eventually(lambda: broker.leases)
    assert not desk.listens.acquire(blocking=False)

    broker.away.clear()

    assert desk.listens.acquire(timeout=PATIENCE)
    broker.publish([publication("a")])
    eventually(lambda: desk.ids() == ["a"])
    assert not desk.listens.acquire(blocking=False)
    assert desk.feeder.stop(PATIENCE)


def test_settlements_are_kept_while_the_broker_is_away(desk: Desk, broker: Any) -> None:
    broker.publish([publication("a")])
    desk.allow(1)
    eventually(lambda: desk.jobs)

    broker.away.set()
    desk.feeder.settle([Finish(desk.tag("a"))], 0)
    assert broker.admin.depth("celery").claimed == 1
    broker.away.clear()

    eventually(lambda: broker.admin.queues() == [])


def test_a_lost_lease_is_told_and_old_settlements_are_dropped(
    desk: Desk, broker: Any, results: MemoryResultStore, clock: ManualClock
) -> None:
    broker.publish([publication("a")])
    desk.allow(1)
    eventually(lambda: desk.jobs)

    clock.advance(60)
    begin_lease(broker, "other").recover_dead()
    eventually(lambda: desk.lost == [1])
    void = Finish(desk.tag("a"), ResultWrite("a", "SUCCESS", b"void"))
    unfenced = Record(None, ResultWrite("b", "SUCCESS", b"kept"))
    desk.feeder.settle([void, unfenced], 0)

    eventually(lambda: results.get("b") == b"kept")
    assert results.get("a") is None
    assert broker.admin.depth("celery").ready == 1


def test_what_is_claimed_after_a_lost_lease_belongs_to_the_new_one(
    desk: Desk, broker: Any, clock: ManualClock
) -> None:
    eventually(lambda: broker.admin.nodes())
    clock.advance(60)
    begin_lease(broker, "other").recover_dead()
    eventually(lambda: desk.lost == [1])
    broker.publish([publication("a")])

    desk.allow(1)

    eventually(lambda: [generation for _, generation in desk.jobs] == [1])


def test_an_at_most_once_task_is_gone_from_the_broker_before_it_is_handed_over(
    desk: Desk, broker: Any
) -> None:
    broker.publish([publication("once", task="tests.once")])

    desk.allow(1)

    eventually(lambda: desk.ids() == ["once"])
    assert broker.admin.queues() == []


def test_unknown_tasks_are_parked_and_those_that_others_parked_are_taken(desk: Desk, broker: Any) -> None:
    stranger = begin_lease(broker, "stranger")
    broker.publish([publication("known")])
    (delivery,) = stranger.claim(["celery"], 1).deliveries
    stranger.claim([], 0, [Park(delivery.tag)])
    broker.publish([publication("unknown", task="tests.unknown")])

    desk.allow(5)

    eventually(lambda: desk.ids() == ["known"])
    eventually(lambda: broker.admin.depth("celery").parked == 1)


def test_stopping_sends_what_is_left_and_gives_back_what_is_held(desk: Desk, broker: Any) -> None:
    broker.publish([publication("done"), publication("held")])
    desk.allow(2)
    eventually(lambda: len(desk.jobs) == 2)

    desk.feeder.settle([Bury(desk.tag("done"), "no use")], 0)
    assert desk.feeder.stop(PATIENCE)

    assert broker.admin.depth("celery").ready == 1
    assert [letter.task_id for letter in broker.admin.dead_letters()] == ["done"]
    assert broker.admin.nodes() == []


def test_a_message_that_could_not_be_acknowledged_early_goes_back(
    broker: Any, results: MemoryResultStore, clock: ManualClock
) -> None:
    class AwayForAcknowledgements(BlinkingBroker):
        def lease(self, node: str, *, duration: timedelta, results: Any = None) -> Any:
            real = self._broker.lease(node, duration=duration, results=results)
            broker_is_away = self.away

            class Once(BlinkingLease):
                def claim(self, queues: Any, limit: int, settling: Any = (), *, tasks: Any = None) -> Claimed:
                    if any(isinstance(s, Finish) for s in settling) and broker_is_away.is_set():
                        broker_is_away.clear()
                        raise BrokerUnavailable("blinking", "it is away")
                    return real.claim(queues, limit, settling, tasks=tasks)

            return Once(real, threading.Event())

    blinking = AwayForAcknowledgements(broker._broker)
    blinking.away.set()
    broker.publish([publication("once", task="tests.once")])
    desk = Desk(blinking, results, clock)  # type: ignore[arg-type]

    desk.allow(1)

    eventually(lambda: desk.ids() == ["once"])
    assert not blinking.away.is_set()
    assert desk.feeder.stop(PATIENCE)


def member(tag: int, place: int = 0, *, group_id: str = "g") -> Finish:
    part = ChordPart(group_id, f"member-{tag}", place, b"its end")
    return Finish(
        tag, ResultWrite(f"member-{tag}", "SUCCESS", b"stored"), workflow=WorkflowChange(parts=(part,))
    )


def test_who_completed_a_chord_is_handed_over_once_more_to_end_it(
    desk: Desk, broker: Any, results: MemoryResultStore
) -> None:
    results.groups.begin_chord("g", 2, expires_at=None)
    broker.publish([publication("a"), publication("b")])
    desk.allow(2)
    eventually(lambda: len(desk.jobs) == 2)

    desk.feeder.settle([member(desk.tag("a"), 0), member(desk.tag("b"), 1)], 0)

    eventually(lambda: len(desk.jobs) == 3)
    job, _ = desk.jobs[-1]
    assert job.delivery.task_id == "b"
    assert job.ending == ChordComplete(("g",))
    assert broker.admin.find("a") is None
    body = publication("body", task="tests.body")
    end = ChordEnd("g", f"member-{desk.tag('b')}:1")
    desk.feeder.settle([Finish(job.delivery.tag, follow_ups=(body,), workflow=WorkflowChange(end=end))], 0)
    eventually(lambda: broker.admin.find("b") is None)
    assert broker.admin.find("body") is not None


def test_what_ends_a_chord_does_not_count_as_claimed(
    desk: Desk, broker: Any, results: MemoryResultStore
) -> None:
    results.groups.begin_chord("g", 1, expires_at=None)
    broker.publish([publication("a"), publication("b")])
    desk.allow(1)
    eventually(lambda: desk.ids() == ["a"])

    desk.feeder.settle([member(desk.tag("a"))], 0)
    eventually(lambda: desk.ids() == ["a", "a"])
    # Two were handed over, one of them by nobody's wish: one more is one that was claimed.
    desk.allow(3)

    eventually(lambda: desk.ids() == ["a", "a", "b"])


def test_while_it_stops_a_chord_is_left_to_another_node(
    desk: Desk, broker: Any, results: MemoryResultStore
) -> None:
    results.groups.begin_chord("g", 1, expires_at=None)
    broker.publish([publication("a")])
    desk.allow(1)
    eventually(lambda: desk.jobs)
    broker.away.set()

    desk.feeder.settle([member(desk.tag("a"))], 0)
    stopper = threading.Thread(target=desk.feeder.stop, args=(PATIENCE,))
    stopper.start()
    eventually(lambda: desk.feeder._stopping)
    broker.away.clear()
    stopper.join(PATIENCE)

    assert len(desk.jobs) == 1
    (again,) = begin_lease(broker, "other").claim(["celery"], 1).deliveries
    assert again.task_id == "a"
    assert again.redelivered
