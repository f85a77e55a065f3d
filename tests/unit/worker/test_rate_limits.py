"""What a node lets start of the tasks that have a limit, and where the others wait."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sedano.brokers.features import BrokerFeatures
from sedano.brokers.lease import Lease
from sedano.brokers.memory.broker import MemoryBroker
from sedano.brokers.settlement import Requeue
from sedano.errors import BrokerUnavailable, ConfigurationError
from sedano.execution.ending import Expired
from sedano.execution.job import Job
from sedano.execution.slot_kind import PREFORK
from sedano.rate_limit import RateLimit
from sedano.testing.broker_cases.fixtures import begin_lease
from sedano.testing.clock import ManualClock
from sedano.testing.messages import publication
from sedano.worker.admission import Admission
from sedano.worker.banner import banner
from sedano.worker.feeder import Feeder
from sedano.worker.rate_limits import RateLimits, check_scopes
from tests.unit.worker.conftest import job, plan, traits

TEN_SECONDS = RateLimit(10.0, False, "6/m")
PATIENCE = 20.0

TASKS = {
    "mail": traits(rate_limit=TEN_SECONDS),
    "fax": traits(rate_limit=RateLimit(10.0, True, "6/m")),
    "once": traits(rate_limit=TEN_SECONDS, acks_late=False),
    "short": traits(),
}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def broker(clock: ManualClock) -> Iterator[MemoryBroker]:
    broker = MemoryBroker(clock=clock)
    yield broker
    broker.close()


@pytest.fixture
def limits(clock: ManualClock) -> RateLimits:
    return RateLimits(plan(tasks=TASKS), clock=clock)


def tags(jobs: list[Job]) -> list[int]:
    return [one.delivery.tag for one in jobs]


def test_those_that_may_start_keep_their_order_and_the_others_come_back_at_their_turns(
    limits: RateLimits, broker: MemoryBroker, clock: ManualClock
) -> None:
    jobs = [job(1), job(2, "mail"), job(3, "mail"), job(4), job(5, "mail"), job(6, "fax")]

    starting, waiting = limits.part(jobs, begin_lease(broker), rooms={PREFORK: 10})

    assert tags(starting) == [1, 2, 4, 6]
    now = clock.timestamp()
    assert waiting == [Requeue(3, due=now + 10, begun=False), Requeue(5, due=now + 15, begun=False)]


def test_a_limit_of_all_nodes_is_asked_of_the_broker(broker: MemoryBroker, clock: ManualClock) -> None:
    one, other = (RateLimits(plan(tasks=TASKS), clock=clock) for _ in range(2))
    lease = begin_lease(broker)

    jobs = [job(1, "fax"), job(2, "mail")]
    parted = [limits.part(jobs, lease, rooms={PREFORK: 2}) for limits in (one, other)]

    assert [tags(starting) for starting, _ in parted] == [[1, 2], [2]]


def test_telling_of_an_end_takes_no_turn(limits: RateLimits, broker: MemoryBroker) -> None:
    jobs = [job(1, "mail", ending=Expired()), job(2, "mail")]

    starting, _ = limits.part(jobs, begin_lease(broker), rooms={PREFORK: 2})

    assert tags(starting) == [1, 2]


def test_a_limit_of_all_nodes_needs_a_broker_that_counts_for_them() -> None:
    class Counter:
        name = "simple"
        features = BrokerFeatures(
            transactional_publish=False,
            joint_results=False,
            priority_levels=0,
            push=True,
            claims_by_task=False,
            durable=True,
        )

    with pytest.raises(ConfigurationError, match="task fax: rate_limit_scope: the simple broker cannot"):
        check_scopes(plan(tasks=TASKS), Counter())  # type: ignore[arg-type]
    check_scopes(plan(tasks={"mail": TASKS["mail"]}), Counter())  # type: ignore[arg-type]


def test_the_worker_says_at_its_start_how_often_tasks_may_start(broker: MemoryBroker) -> None:
    said = banner(plan(tasks=TASKS), broker, None).splitlines()

    assert "             fax  at most 6/m (all workers together)" in said
    assert "             mail  at most 6/m" in said
    assert "             short" in said


# -- in the feeder


class Desk:
    """A feeder at work, with room for as many as it is told, and what it has handed over."""

    def __init__(self, broker: Any, clock: ManualClock) -> None:
        made = plan(tasks=TASKS)
        self.handed: list[str] = []
        self.failures: list[BaseException] = []
        self.feeder = Feeder(
            made,
            broker,
            None,
            admission=Admission(made, clock=clock),
            hand_over=lambda jobs, _: self.handed.extend(one.delivery.task_id for one in jobs),
            news=lambda: None,
            lease_lost=lambda _: None,
            failed=self.failures.append,
        )
        self.feeder.start()

    def make_room(self, total: int) -> None:
        self.feeder.allow({PREFORK: total})


@pytest.fixture
def desk(broker: MemoryBroker, clock: ManualClock) -> Iterator[Desk]:
    desk = Desk(broker, clock)
    yield desk
    assert desk.feeder.stop(PATIENCE)
    assert desk.failures == []


def eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        pause.wait(0.002)


def test_limited_messages_wait_in_the_broker(desk: Desk, broker: MemoryBroker, clock: ManualClock) -> None:
    broker.publish([publication(f"m{n}", task="mail") for n in range(4)])

    desk.make_room(8)
    eventually(lambda: broker.admin.depth("celery").scheduled == 3)
    clock.advance(10.0)
    eventually(lambda: len(desk.handed) == 2)
    clock.advance(10.0)
    eventually(lambda: len(desk.handed) == 3)

    assert desk.handed == ["m0", "m1", "m2"]


def test_other_tasks_start_behind_many_limited_ones(desk: Desk, broker: MemoryBroker) -> None:
    broker.publish([publication(f"m{n}", task="mail") for n in range(3000)])
    broker.publish([publication("behind", task="short"), publication("next", task="short")])

    desk.make_room(2)
    eventually(lambda: len(desk.handed) == 2)

    assert desk.handed == ["m0", "behind"]
    eventually(lambda: broker.admin.depth("celery").scheduled == 2999)
    depth = broker.admin.depth("celery")
    assert (depth.ready, depth.claimed) == (1, 2)


def test_what_is_removed_before_it_runs_is_judged_before_it_is_removed(
    desk: Desk, broker: MemoryBroker
) -> None:
    broker.publish([publication("a", task="once"), publication("b", task="once")])

    desk.make_room(8)
    eventually(lambda: desk.handed)
    eventually(lambda: broker.admin.depth("celery").scheduled == 1)

    assert desk.handed == ["a"]
    assert broker.admin.find("a") is None


def test_what_was_claimed_when_the_broker_could_not_say_whose_turn_it_is_goes_back(
    broker: MemoryBroker, clock: ManualClock
) -> None:
    class Forgetful:
        """A broker that does not answer the first question for turns."""

        def __init__(self) -> None:
            self.asked = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(broker, name)

        def lease(self, *args: Any, **kwargs: Any) -> Any:
            return Shy(broker.lease(*args, **kwargs), self)

    class Shy:
        def __init__(self, lease: Lease, owner: Forgetful) -> None:
            self._lease = lease
            self._owner = owner

        def __getattr__(self, name: str) -> Any:
            return getattr(self._lease, name)

        def take_turns(self, *args: Any, **kwargs: Any) -> Any:
            self._owner.asked += 1
            if self._owner.asked == 1:
                raise BrokerUnavailable("forgetful", "it is away")
            return self._lease.take_turns(*args, **kwargs)

    forgetful = Forgetful()
    broker.publish([publication("f", task="fax"), publication("s", task="short")])
    desk = Desk(forgetful, clock)

    desk.make_room(8)
    eventually(lambda: len(desk.handed) == 2)
    assert desk.feeder.stop(PATIENCE)

    assert forgetful.asked == 2
    assert sorted(desk.handed) == ["f", "s"]
