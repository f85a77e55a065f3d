"""The parent between its feeder and its crew. No process is started: the tests take the feeder's part."""

from collections.abc import Iterator

import pytest

from sedano.brokers.memory.broker import MemoryBroker
from sedano.testing.clock import ManualClock
from sedano.worker.node import Node
from sedano.worker.notes import LeaseWasLost
from sedano.worker.options import NodeOptions
from sedano.worker.zygote_link import ZygoteLink
from tests.unit.worker.conftest import job, plan


@pytest.fixture
def node() -> Iterator[Node]:
    clock = ManualClock()
    broker = MemoryBroker(clock=clock)
    never_started = ZygoteLink.__new__(ZygoteLink)
    node = Node(NodeOptions(), plan(), never_started, broker, None, clock=clock)
    yield node
    node._wakeup.close()
    node._selector.close()
    broker.close()


def test_jobs_that_come_while_the_loop_sleeps_go_to_the_crew_at_once(node: Node) -> None:
    node._take_over([job(1)], 0)

    assert len(node._crew.backlog) == 1


def test_jobs_that_come_while_the_loop_works_are_left_as_a_note(node: Node) -> None:
    with node._turn:
        node._take_over([job(1)], 0)
        assert len(node._crew.backlog) == 0

    node._on_wakeup()

    assert len(node._crew.backlog) == 1


def test_jobs_of_a_new_lease_wait_until_the_loop_has_heard_that_the_old_one_was_lost(node: Node) -> None:
    node._wakeup.leave(LeaseWasLost(1))
    node._take_over([job(1)], 1)

    node._on_wakeup()

    assert len(node._crew.backlog) == 1


def test_jobs_of_a_lease_that_was_lost_are_dropped(node: Node) -> None:
    node._wakeup.leave(LeaseWasLost(1))
    node._on_wakeup()

    node._take_over([job(1)], 0)
    node._on_wakeup()

    assert len(node._crew.backlog) == 0
