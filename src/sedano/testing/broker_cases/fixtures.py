"""What every part of the suite starts from."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final, TypeAlias

import pytest

from sedano.brokers.broker import Broker
from sedano.brokers.delivery import Delivery
from sedano.brokers.lease import Claimed, Lease
from sedano.brokers.settlement import Finish, Requeue
from sedano.clock import Clock, SystemClock
from sedano.results.store import ResultStore
from sedano.testing.clock import ManualClock

BrokerOpener: TypeAlias = Callable[[Clock], Broker]
ResultStoreOpener: TypeAlias = Callable[[Clock], ResultStore]

#: Of the leases that the tests begin.
LEASE: Final = timedelta(seconds=10)
#: Far longer than a server takes. Seconds.
_SOON: Final = 10.0


class BrokerFixtures:
    """``open_broker`` comes from the class under test, and ``open_results`` where results can be joint.

    A broker whose server keeps the time gives ``clock`` one that lets it pass, and says here how long tests
    wait.
    """

    #: Seconds until what is put off becomes due. Tests let this time pass.
    later: ClassVar[float] = 60.0
    #: Seconds that tests let pass, once or some times over, where they need not be many.
    unit: ClassVar[float] = 1.0
    #: Fewer nodes than that die of one message, one after the other: its pause doubles with each.
    deaths: ClassVar[int] = 6
    #: Moments that are written down may differ from the test's by so many seconds.
    blur: ClassVar[float] = 1e-6

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    def open_results(self) -> ResultStoreOpener | None:
        """Opens a result store at the broker's location; None for a broker without joint results."""
        return None

    @pytest.fixture
    def broker(self, open_broker: BrokerOpener, clock: ManualClock) -> Iterator[Broker]:
        """A broker whose time stands still until the test turns ``clock``."""
        broker = open_broker(clock)
        yield broker
        broker.close()

    @pytest.fixture
    def live_broker(self, open_broker: BrokerOpener) -> Iterator[Broker]:
        """A broker with the real time, for tests that wait."""
        broker = open_broker(SystemClock())
        yield broker
        broker.close()

    @pytest.fixture
    def results(self, open_results: ResultStoreOpener | None, clock: ManualClock) -> Iterator[ResultStore]:
        if open_results is None:
            pytest.skip("This broker stores no results in the step that settles.")
        results = open_results(clock)
        yield results
        results.close()

    def die(self, lease: Lease, clock: ManualClock) -> None:
        """Have the node of this lease die, and its lease run out."""
        clock.advance(LEASE.total_seconds() + 1)

    def recover(self, broker: Broker, heir: Lease, count: int) -> None:
        """Have so many messages taken over from the dead."""
        if broker.features.returns_claims:
            # What was running gets its crash attempt from who claims it.
            found = heir.claim(["celery"], count).deliveries
            heir.claim([], 0, [Requeue(delivery.tag, begun=False) for delivery in found])
            heir.rest()
        else:
            assert heir.recover_dead() == count

    def about(self, moment: float) -> Any:
        """Equal to this moment, as far as a moment can be told."""
        return pytest.approx(moment, abs=self.blur)


def begin_lease(broker: Broker, node: str = "w1@host", *, results: ResultStore | None = None) -> Lease:
    """A lease of 10 seconds; with joint results if a store is given."""
    joint_results = None if results is None else results.joint_with(broker.location)
    return broker.lease(node, duration=LEASE, results=joint_results)


def urgency(broker: Broker, level: int) -> int:
    """The priority that stands for a level between 0 (can wait) and 9 (is urgent) at this broker."""
    return level if broker.features.higher_priority_first else 9 - level


def ids_of(claimed: Claimed) -> list[str]:
    """The tasks that a claim brought, in its order."""
    return [delivery.task_id for delivery in claimed.deliveries]


def claim_soon(lease: Lease, count: int, queues: Sequence[str] = ("celery",)) -> list[Delivery]:
    """So many messages that somebody has just given back or let go: a server may take a moment for that."""
    deliveries: list[Delivery] = []
    deadline = time.monotonic() + _SOON
    while len(deliveries) < count and time.monotonic() < deadline:
        if lease.wait(queues, _SOON):
            deliveries += lease.claim(queues, count - len(deliveries)).deliveries
    return deliveries


def drain(lease: Lease, queues: Sequence[str] = ("celery",), *, count: int = 0) -> list[str]:
    """Claim and finish everything that is ready; the tasks, in the order in which they came.

    Args:
        count: So many are waited for.
    """
    soon = claim_soon(lease, count, queues)
    drained = [delivery.task_id for delivery in soon]
    lease.claim([], 0, [Finish(delivery.tag) for delivery in soon])
    claimed = lease.claim(queues, 10)
    while claimed.deliveries:
        drained += ids_of(claimed)
        claimed = lease.claim(queues, 10, [Finish(delivery.tag) for delivery in claimed.deliveries])
    return drained
