"""Nodes that live, die, and come back from the dead."""

import threading
from collections.abc import Collection

import pytest

from sedano.brokers.broker import Broker
from sedano.brokers.crash_attempts import crash_delay
from sedano.brokers.delivery import Delivery
from sedano.brokers.lease import Lease
from sedano.brokers.settlement import Finish, Record
from sedano.errors import LeaseLost
from sedano.results.result_write import ResultWrite
from sedano.results.store import ResultStore
from sedano.testing.broker_cases.fixtures import LEASE, BrokerFixtures, begin_lease, claim_soon, drain, ids_of
from sedano.testing.clock import ManualClock
from sedano.testing.messages import publication


class LeaseCases(BrokerFixtures):
    """``renew``, ``recover_dead``, ``end``, and the fence."""

    def test_what_a_dead_node_held_is_ready_again_in_front(self, broker: Broker, clock: ManualClock) -> None:
        _, heir = self._dead_and_heir(broker, clock, ["a", "b"])
        broker.publish([publication("c")])

        self.recover(broker, heir, 2)

        _assert_in_front(broker, claim_soon(heir, 3))

    def test_a_node_that_renews_its_lease_is_not_taken_over_from(
        self, broker: Broker, clock: ManualClock
    ) -> None:
        _needs_takeovers(broker)
        broker.publish([publication("a")])
        living, other = begin_lease(broker, "w1@host"), begin_lease(broker, "w2@host")
        (delivery,) = living.claim(["celery"], 1).deliveries

        for _ in range(5):
            clock.advance(LEASE.total_seconds() / 2)
            living.renew([delivery.tag])
            assert other.recover_dead() == 0

        assert living.holds([delivery.tag]) == {delivery.tag}

    def test_a_node_does_not_take_over_from_itself(self, broker: Broker, clock: ManualClock) -> None:
        _needs_takeovers(broker)
        broker.publish([publication("a")])
        lease = begin_lease(broker)
        (delivery,) = lease.claim(["celery"], 1).deliveries

        clock.advance(1000)
        lease.recover_dead()

        assert lease.holds([delivery.tag]) == {delivery.tag}
        lease.renew([])

    def test_what_a_dead_node_was_running_gets_a_crash_attempt_and_a_pause(
        self, broker: Broker, clock: ManualClock
    ) -> None:
        _, heir = self._dead_and_heir(broker, clock, ["a", "b"], running=["a"])

        self.recover(broker, heir, 2)

        assert ids_of(heir.claim(["celery"], 10)) == ["b"]
        clock.advance(1.5)
        (delivery,) = claim_soon(heir, 1)
        assert (delivery.task_id, delivery.crashes, delivery.redelivered) == ("a", 1, True)

    def test_the_pause_after_a_crash_doubles(self, broker: Broker, clock: ManualClock) -> None:
        broker.publish([publication("a")])
        for crashes in range(1, self.deaths):
            self._die_running(broker, clock, "a")
            self.recover(broker, begin_lease(broker, "heir@host"), 1)
            stored = broker.admin.find("a")
            assert stored is not None
            assert stored.due is not None
            assert stored.due == self.about(clock.timestamp() + 2 ** (crashes - 1))
            clock.advance(stored.due - clock.timestamp() + 0.1)

    def test_a_message_that_killed_very_many_nodes_is_ready_again_all_the_same(
        self, broker: Broker, clock: ManualClock
    ) -> None:
        broker.publish([publication("a")])
        for crashes in range(1, self.deaths):
            self._die_running(broker, clock, "a")
            heir = begin_lease(broker, "heir@host")
            self.recover(broker, heir, 1)
            heir.end()
            clock.advance(crash_delay(crashes) + self.unit)
            stored = broker.admin.find("a")
            assert stored is not None
            assert (stored.state, stored.crashes) == ("ready", crashes)

        assert broker.admin.dead_letters() == []
        assert drain(begin_lease(broker)) == ["a"]

    def test_a_message_that_had_been_settled_is_not_recovered(
        self, broker: Broker, clock: ManualClock
    ) -> None:
        broker.publish([publication("a")])
        dead, heir = begin_lease(broker, "w1@host"), begin_lease(broker, "w2@host")
        (delivery,) = dead.claim(["celery"], 1).deliveries
        dead.renew([delivery.tag])
        dead.claim(["celery"], 0, [Finish(delivery.tag)])

        self.die(dead, clock)

        assert heir.recover_dead() == 0
        assert broker.admin.dead_letters() == []

    def test_only_one_node_takes_over(self, broker: Broker, clock: ManualClock) -> None:
        _needs_takeovers(broker)
        _, heir = self._dead_and_heir(broker, clock, ["a"])
        other = begin_lease(broker, "w3@host")

        assert heir.recover_dead() == 1
        assert other.recover_dead() == 0

    def test_a_node_that_was_taken_for_dead_commits_nothing(
        self, broker: Broker, clock: ManualClock, results: ResultStore
    ) -> None:
        broker.publish([publication("a")])
        zombie = begin_lease(broker, "w1@host", results=results)
        (delivery,) = zombie.claim(["celery"], 1).deliveries
        clock.advance(LEASE.total_seconds() + 1)
        heir = begin_lease(broker, "w2@host", results=results)
        heir.recover_dead()

        late = Finish(delivery.tag, ResultWrite("a", "SUCCESS", b"late"), (publication("late follow-up"),))
        claimed = zombie.claim(["celery"], 0, [Record(delivery.tag, late.result), late])

        assert claimed.lost == [delivery.tag, delivery.tag]
        assert results.get("a") is None
        assert drain(heir) == ["a"]

    def test_a_claim_taken_by_another_node_cannot_be_settled_by_the_first(
        self, broker: Broker, clock: ManualClock
    ) -> None:
        zombie, heir = self._dead_and_heir(broker, clock, ["a"])
        self.recover(broker, heir, 1)
        (taken,) = heir.claim(["celery"], 1).deliveries

        assert zombie.claim(["celery"], 0, [Finish(taken.tag)]).lost == [taken.tag]
        assert heir.holds([taken.tag]) == {taken.tag}

    def test_a_node_that_was_taken_for_dead_is_told_and_gets_nothing(
        self, broker: Broker, clock: ManualClock
    ) -> None:
        zombie, heir = self._dead_and_heir(broker, clock, ["a"])
        heir.recover_dead()
        assert ids_of(heir.claim(["celery"], 1)) == ["a"]

        assert zombie.claim(["celery"], 10).deliveries == []
        with pytest.raises(LeaseLost):
            zombie.renew([])
        with pytest.raises(LeaseLost):
            zombie.wait(["celery"], 10)

    def test_a_node_that_was_taken_for_dead_may_begin_a_new_life(
        self, broker: Broker, clock: ManualClock
    ) -> None:
        zombie, heir = self._dead_and_heir(broker, clock, ["a"])
        heir.recover_dead()
        zombie.end()

        assert drain(begin_lease(broker, "w1@host")) == ["a"]

    def test_a_silent_node_that_nobody_missed_goes_on(self, broker: Broker, clock: ManualClock) -> None:
        _needs_takeovers(broker)
        broker.publish([publication("a")])
        lease = begin_lease(broker)
        (delivery,) = lease.claim(["celery"], 1).deliveries

        clock.advance(1000)
        lease.renew([delivery.tag])

        assert lease.claim(["celery"], 0, [Finish(delivery.tag)]).lost == []

    def test_the_end_of_a_lease_gives_back_what_it_held(self, broker: Broker) -> None:
        broker.publish([publication(name) for name in "abc"])
        lease, other = begin_lease(broker, "w1@host"), begin_lease(broker, "w2@host")
        first, second = lease.claim(["celery"], 2).deliveries
        lease.renew([first.tag, second.tag])

        assert lease.end() == 2

        _assert_in_front(broker, claim_soon(other, 3))

    def test_what_was_settled_just_before_the_end_stays_settled(self, broker: Broker) -> None:
        # So many that a server may still be busy with them. Not a row of neighbours, which count as one.
        names = [f"message {number:04}" for number in range(1000)]
        broker.publish([publication(name) for name in names])
        lease = begin_lease(broker)
        deliveries = claim_soon(lease, len(names))
        lease.claim([], 0, [Finish(delivery.tag) for delivery in deliveries[::2]])

        assert lease.end() == 500

        heir = begin_lease(broker, "w2@host")
        assert sorted(drain(heir, count=500)) == names[1::2]

    def test_a_lease_can_be_ended_twice_and_then_does_nothing(self, broker: Broker) -> None:
        broker.publish([publication("a")])
        lease = begin_lease(broker)
        (delivery,) = lease.claim(["celery"], 1).deliveries

        assert lease.end() == 1
        assert lease.end() == 0

        claimed = lease.claim(["celery"], 1, [Finish(delivery.tag)])
        assert (claimed.deliveries, claimed.lost) == ([], [delivery.tag])
        lease.wake()
        with pytest.raises(LeaseLost):
            lease.renew([])
        assert broker.admin.nodes() == []

    def test_each_message_is_claimed_by_one_of_many_nodes(self, broker: Broker) -> None:
        names = [f"task {number}" for number in range(120)]
        broker.publish([publication(name) for name in names])
        claimed: list[str] = []

        def work(node: str) -> None:
            claimed.extend(drain(begin_lease(broker, node)))

        threads = [threading.Thread(target=work, args=(f"w{number}@host",)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(claimed) == sorted(names)

    def _dead_and_heir(
        self, broker: Broker, clock: ManualClock, names: list[str], *, running: Collection[str] = ()
    ) -> tuple[Lease, Lease]:
        """A lease that ran out while it held these messages, and one that is fresh."""
        broker.publish([publication(name) for name in names])
        dead = begin_lease(broker, "w1@host")
        deliveries = dead.claim(["celery"], len(names)).deliveries
        dead.renew([delivery.tag for delivery in deliveries if delivery.task_id in running])
        self.die(dead, clock)
        return dead, begin_lease(broker, "w2@host")

    def _die_running(self, broker: Broker, clock: ManualClock, task_id: str) -> None:
        victim = begin_lease(broker, "victim@host")
        (delivery,) = victim.claim(["celery"], 1).deliveries
        assert delivery.task_id == task_id
        victim.renew([delivery.tag])
        self.die(victim, clock)


def _assert_in_front(broker: Broker, deliveries: list[Delivery]) -> None:
    """The messages ``a`` and ``b`` have been given back, while ``c`` was ready."""
    if not broker.features.returns_to_front:
        deliveries = sorted(deliveries, key=lambda delivery: delivery.task_id)
    found = [(delivery.task_id, delivery.redelivered, delivery.crashes) for delivery in deliveries]
    assert found == [("a", True, 0), ("b", True, 0), ("c", False, 0)]


def _needs_takeovers(broker: Broker) -> None:
    if broker.features.returns_claims:
        pytest.skip("Its server gives back itself what dead nodes held.")
