"""The operator's side: looking at queues, pausing and purging them, dead letters, nodes."""

from sedano.brokers.admin import NodeRecord, QueueDepth, StoredMessage
from sedano.brokers.broker import Broker
from sedano.brokers.publication import Publication
from sedano.brokers.settlement import Bury, Park, Requeue
from sedano.testing.broker_cases.fixtures import (
    BrokerFixtures,
    begin_lease,
    claim_soon,
    drain,
    ids_of,
    urgency,
)
from sedano.testing.clock import ManualClock
from sedano.testing.messages import publication


class SteeringCases(BrokerFixtures):
    """``Broker.admin``."""

    def test_the_depth_of_a_queue_counts_its_messages_by_state(
        self, broker: Broker, clock: ManualClock
    ) -> None:
        self._one_of_each(broker, clock)
        broker.publish([publication(queue="other")])
        clock.advance(2 * self.unit)

        depth = broker.admin.depth("celery")

        assert depth == QueueDepth(
            queue="celery",
            ready=1,
            scheduled=1,
            claimed=1,
            parked=1,
            oldest_age=self.about(2 * self.unit),
            paused=False,
        )

    def test_the_depth_of_an_unknown_queue_is_zero(self, broker: Broker) -> None:
        assert broker.admin.depth("nowhere") == QueueDepth("nowhere", 0, 0, 0, 0, None, False)

    def test_a_ripe_message_counts_as_ready_from_its_due_time(
        self, broker: Broker, clock: ManualClock
    ) -> None:
        broker.publish([publication(due=clock.timestamp() + self.unit)])

        clock.advance(3 * self.unit)

        depth = broker.admin.depth("celery")
        assert (depth.ready, depth.scheduled, depth.oldest_age) == (1, 0, self.about(2 * self.unit))

    def test_the_oldest_age_is_of_the_message_that_has_been_ready_longest(
        self, broker: Broker, clock: ManualClock
    ) -> None:
        broker.publish([publication("low")])
        clock.advance(2 * self.unit)
        broker.publish([publication("high", priority=5)])
        clock.advance(self.unit)

        assert broker.admin.depth("celery").oldest_age == self.about(3 * self.unit)

    def test_queues_that_hold_messages_are_listed(self, broker: Broker, clock: ManualClock) -> None:
        assert broker.admin.queues() == []

        broker.publish([publication(queue="mail"), publication(queue="later", due=clock.timestamp() + 60)])
        broker.publish([publication(queue="held"), publication(queue="done")])
        lease = begin_lease(broker)
        lease.claim(["held"], 1)
        drain(lease, ["done"])
        lease.renew([])

        assert broker.admin.queues() == ["held", "later", "mail"]

    def test_a_paused_queue_is_listed_even_when_it_is_empty(self, broker: Broker) -> None:
        broker.admin.pause("mail")

        assert broker.admin.queues() == ["mail"]
        assert broker.admin.depth("mail").paused

    def test_messages_are_shown_as_they_would_be_claimed_then_the_others(
        self, broker: Broker, clock: ManualClock
    ) -> None:
        low, high = urgency(broker, 0), urgency(broker, 9)
        broker.publish([publication("ripe", due=clock.timestamp() + 1.2, priority=low)])
        self._one_of_each(broker, clock)
        broker.publish([publication("urgent", priority=high)])
        broker.publish([publication("soon", due=clock.timestamp() + 20, priority=low)])
        clock.advance(1.5)

        shown = broker.admin.peek("celery")

        expected = [
            ("urgent", "ready"),
            ("ripe", "ready"),
            ("ready", "ready"),
            ("soon", "scheduled"),
            ("scheduled", "scheduled"),
            ("claimed", "claimed"),
            ("parked", "parked"),
        ]
        found = [(message.task_id, message.state) for message in shown]
        if not broker.features.shows_claimed:
            expected.remove(("claimed", "claimed"))
        if not (broker.features.priority_levels and broker.features.keeps_place):
            found[:3], expected[:3] = sorted(found[:3]), sorted(expected[:3])
        assert found == expected
        assert broker.admin.peek("celery", limit=4) == shown[:4]
        assert broker.admin.peek("celery", limit=1) == shown[:1]

    def test_the_message_of_a_task_can_be_found(self, broker: Broker, clock: ManualClock) -> None:
        due = clock.timestamp() + 60
        message = publication("a", queue="mail", priority=2, due=due)
        broker.publish([message])

        found = broker.admin.find("a")

        assert found is not None
        assert (found.task_id, found.task, found.queue) == ("a", "tests.add", "mail")
        assert (found.state, found.priority, found.crashes) == ("scheduled", 2, 0)
        assert found.due == self.about(due)
        assert found.envelope == message.envelope
        assert broker.admin.find("b") is None

    def test_a_revoked_message_is_gone_whatever_it_was_waiting_for(
        self, broker: Broker, clock: ManualClock
    ) -> None:
        broker.publish([publication("ready"), publication("later", due=clock.timestamp() + 60)])

        assert broker.admin.revoke("ready")
        assert broker.admin.revoke("later")

        assert not broker.admin.revoke("ready")
        assert broker.admin.queues() == []

    def test_a_message_that_a_node_holds_is_not_revoked(self, broker: Broker) -> None:
        broker.publish([publication("a")])
        lease = begin_lease(broker)
        (delivery,) = lease.claim(["celery"], 1).deliveries

        assert not broker.admin.revoke("a")
        assert not broker.admin.revoke("a", instead=lambda _: publication("a"))
        assert lease.holds([delivery.tag]) == {delivery.tag}
        assert broker.admin.depth("celery").ready == 0

    def test_something_else_can_be_published_instead_of_a_revoked_message(
        self, broker: Broker, clock: ManualClock
    ) -> None:
        broker.publish([publication("a"), publication("b"), publication("c", due=clock.timestamp() + 60)])

        assert broker.admin.revoke("a", instead=lambda _: publication("a", body=b"[[0], {}, {}]"))
        assert broker.admin.revoke("c", instead=lambda _: publication("c", queue="mail"))

        claimed = claim_soon(begin_lease(broker), 2)
        assert [delivery.task_id for delivery in claimed] == ["b", "a"]
        assert claimed[1].envelope.body == b"[[0], {}, {}]"
        found = broker.admin.find("c")
        assert found is not None
        assert (found.queue, found.state) == ("mail", "ready")

    def test_nothing_is_published_instead_of_a_message_that_is_not_there(self, broker: Broker) -> None:
        assert not broker.admin.revoke("a", instead=lambda _: publication("a"))

        assert broker.admin.queues() == []

    def test_many_are_revoked_at_once(self, broker: Broker, clock: ManualClock) -> None:
        broker.publish([publication("held")])
        lease = begin_lease(broker)
        assert ids_of(lease.claim(["celery"], 1)) == ["held"]
        members = [f"member {number}" for number in range(1200)]
        broker.publish([publication(name) for name in ("first", *members, "last")])
        broker.publish([publication("later", due=clock.timestamp() + 60), publication("b", queue="mail")])

        revoked = broker.admin.revoke(*members, "held", "later", "b", "nobody")

        assert revoked == {*members, "later", "b"}
        assert drain(lease, count=2) == ["first", "last"]
        assert broker.admin.revoke() == set()

    def test_of_many_that_are_revoked_each_may_have_something_in_its_place(self, broker: Broker) -> None:
        broker.publish([publication(name, priority=1) for name in "abcd"])

        def instead(stored: StoredMessage) -> Publication | None:
            assert (stored.state, stored.priority) == ("ready", 1)
            return None if stored.task_id == "b" else publication(stored.task_id, body=b"revoked")

        assert broker.admin.revoke("a", "b", "c", instead=instead) == {"a", "b", "c"}

        deliveries = claim_soon(begin_lease(broker), 3)
        bodies = {delivery.task_id: delivery.envelope.body for delivery in deliveries}
        assert bodies.keys() == {"a", "c", "d"}
        assert bodies["a"] == bodies["c"] == b"revoked" != bodies["d"]

    def test_a_purge_deletes_all_but_what_nodes_hold(self, broker: Broker, clock: ManualClock) -> None:
        self._one_of_each(broker, clock)
        broker.publish([publication("elsewhere", queue="other")])

        assert broker.admin.purge("celery") == 3

        shown = [message.task_id for message in broker.admin.peek("celery")]
        assert shown == (["claimed"] if broker.features.shows_claimed else [])
        assert broker.admin.depth("other").ready == 1
        assert broker.admin.purge("celery") == 0

    def test_a_purge_deletes_very_many(self, broker: Broker) -> None:
        broker.publish([publication() for _ in range(2500)])

        assert broker.admin.purge("celery") == 2500

    def test_a_paused_queue_gives_nothing_until_it_is_resumed(self, broker: Broker) -> None:
        broker.publish([publication("a"), publication("b", queue="mail")])
        lease = begin_lease(broker)

        broker.admin.pause("celery")
        broker.admin.pause("celery")
        assert ids_of(lease.claim(["celery", "mail"], 10)) == ["b"]

        broker.admin.resume("celery")
        broker.admin.resume("celery")
        resumed = claim_soon(lease, 1, ["celery", "mail"])
        assert [delivery.task_id for delivery in resumed] == ["a"]

    def test_a_paused_queue_takes_messages(self, broker: Broker) -> None:
        broker.admin.pause("celery")

        broker.publish([publication("a")])

        assert broker.admin.depth("celery").ready == 1

    def test_the_newest_dead_letters_come_first(self, broker: Broker) -> None:
        self._bury(broker, "a", "b", "c")

        assert [letter.task_id for letter in broker.admin.dead_letters()] == ["c", "b", "a"]
        assert [letter.task_id for letter in broker.admin.dead_letters(limit=2)] == ["c", "b"]

    def test_a_replayed_dead_letter_starts_afresh(self, broker: Broker, clock: ManualClock) -> None:
        broker.publish([publication("a", queue="mail", priority=3)])
        lease = begin_lease(broker)
        (before,) = lease.claim(["mail"], 1).deliveries
        lease.claim([], 0, [Bury(before.tag, "killed", crashed=True)])
        (letter,) = broker.admin.dead_letters()
        clock.advance(self.unit)

        assert broker.admin.replay([letter.key, letter.key + 1000]) == 1

        (after,) = lease.claim(["mail"], 10).deliveries
        assert (after.task_id, after.task, after.priority) == ("a", "tests.add", 3)
        assert after.envelope == before.envelope
        assert (after.crashes, after.redelivered) == (0, False)
        assert after.ready_since == self.about(clock.timestamp())
        assert broker.admin.dead_letters() == []
        assert broker.admin.replay([letter.key]) == 0

    def test_a_discarded_dead_letter_is_gone(self, broker: Broker) -> None:
        self._bury(broker, "a", "b")
        second, first = (letter.key for letter in broker.admin.dead_letters())

        assert broker.admin.discard([first, second + 1000]) == 1

        assert [letter.task_id for letter in broker.admin.dead_letters()] == ["b"]
        assert not any(begin_lease(broker).claim(["celery"], 10))

    def test_nodes_are_listed_while_they_hold_a_lease(self, broker: Broker, clock: ManualClock) -> None:
        broker.publish([publication("a"), publication("b")])
        started_at = clock.timestamp()
        second, first = begin_lease(broker, "w2@host"), begin_lease(broker, "w1@host")
        running, _ = (delivery.tag for delivery in second.claim(["celery"], 2).deliveries)
        clock.advance(3 * self.unit)
        second.renew([running])

        began, renewed = self.about(started_at), self.about(started_at + 3 * self.unit)
        assert broker.admin.nodes() == [
            NodeRecord("w1@host", first.incarnation, began, began, claimed=0, running=0),
            NodeRecord("w2@host", second.incarnation, began, renewed, claimed=2, running=1),
        ]

        second.end()
        assert [record.node for record in broker.admin.nodes()] == ["w1@host"]

    @staticmethod
    def _one_of_each(broker: Broker, clock: ManualClock) -> None:
        """One message in each state, all published now."""
        lease = begin_lease(broker)
        low, higher, high = (urgency(broker, level) for level in (0, 7, 8))
        broker.publish([publication("claimed", priority=high), publication("parked", priority=higher)])
        broker.publish([publication("scheduled", due=clock.timestamp() + 60, priority=low)])
        # A broker may count a message as ready until a claim has found that it is not due.
        _, parked = lease.claim(["celery"], 3).deliveries
        lease.claim([], 0, [Park(parked.tag)])
        lease.renew([])
        broker.publish([publication("ready", priority=low)])

    @staticmethod
    def _bury(broker: Broker, *names: str) -> None:
        lease = begin_lease(broker)
        for name in names:
            broker.publish([publication(name)])
            (delivery,) = lease.claim(["celery"], 1).deliveries
            lease.claim([], 0, [Requeue(delivery.tag)])
            (delivery,) = lease.claim(["celery"], 1).deliveries
            lease.claim([], 0, [Bury(delivery.tag, "broken")])
