"""What goes in comes out: publishing, order, priorities, due times."""

import threading

from sedano.brokers.broker import Broker
from sedano.brokers.publication import Publication
from sedano.message.envelope import Envelope
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


class PublishingCases(BrokerFixtures):
    """Between ``Broker.publish`` and ``Lease.claim``."""

    def test_a_claimed_message_is_what_was_published(self, broker: Broker, clock: ManualClock) -> None:
        envelope = Envelope(
            headers='{"task": "tests.añadir"}'.encode(),
            body=bytes(range(256)),
            content_type="application/x-python-serialize",
            content_encoding="binary",
            correlation_id="c",
            reply_to="r",
            priority=3,
            delivery_mode=1,
            expiration="1000",
        )
        broker.publish([Publication("id-ñ", "tests.añadir", "cola", envelope, priority=3)])

        (delivery,) = begin_lease(broker).claim(["cola"], 10).deliveries

        assert delivery.envelope == envelope
        assert (delivery.task_id, delivery.task, delivery.queue) == ("id-ñ", "tests.añadir", "cola")
        assert (delivery.priority, delivery.crashes, delivery.redelivered) == (3, 0, False)
        assert delivery.ready_since == self.about(clock.timestamp())

    def test_a_large_message_arrives_whole(self, broker: Broker) -> None:
        body = bytes(range(256)) * 8192
        broker.publish([publication("large", body=body)])

        (delivery,) = begin_lease(broker).claim(["celery"], 1).deliveries

        assert delivery.envelope.body == body

    def test_an_empty_message_arrives(self, broker: Broker) -> None:
        broker.publish([Publication("a", "", "celery", Envelope(headers=b"", body=b""))])

        (delivery,) = begin_lease(broker).claim(["celery"], 1).deliveries

        assert delivery.envelope == Envelope(headers=b"", body=b"")

    def test_publishing_nothing_does_nothing(self, broker: Broker) -> None:
        broker.publish([])

        assert not any(begin_lease(broker).claim(["celery"], 10))

    def test_messages_come_in_the_order_they_were_published(self, broker: Broker) -> None:
        broker.publish([publication("a")])
        broker.publish([publication("b"), publication("c")])
        broker.publish([publication("d")])

        assert ids_of(begin_lease(broker).claim(["celery"], 10)) == ["a", "b", "c", "d"]

    def test_a_claim_brings_no_more_than_its_limit(self, broker: Broker) -> None:
        broker.publish([publication(name) for name in "abcde"])
        lease = begin_lease(broker)

        assert ids_of(lease.claim(["celery"], 2)) == ["a", "b"]
        assert ids_of(lease.claim(["celery"], 2)) == ["c", "d"]
        assert ids_of(lease.claim(["celery"], 2)) == ["e"]

    def test_a_higher_priority_comes_first(self, broker: Broker) -> None:
        if not broker.features.priority_levels:
            return
        low, middle, high = (urgency(broker, level) for level in (0, 5, 9))
        broker.publish([publication("low", priority=low), publication("high", priority=high)])
        broker.publish([publication("middle", priority=middle), publication("high 2", priority=high)])

        assert ids_of(begin_lease(broker).claim(["celery"], 10)) == ["high", "high 2", "middle", "low"]

    def test_only_the_queues_that_are_asked_for_are_claimed_from(self, broker: Broker) -> None:
        broker.publish([publication("a", queue="mail"), publication("b", queue="reports")])
        lease = begin_lease(broker)

        assert ids_of(lease.claim(["mail"], 10)) == ["a"]
        assert ids_of(lease.claim(["empty"], 10)) == []
        assert ids_of(lease.claim([], 10)) == []

    def test_the_queues_of_a_claim_are_equals(self, broker: Broker) -> None:
        low, high = urgency(broker, 0), urgency(broker, 5)
        broker.publish([publication("a", queue="mail", priority=low)])
        broker.publish([publication("b", queue="reports", priority=low)])
        broker.publish([publication("c", queue="mail", priority=low)])
        broker.publish([publication("urgent", queue="reports", priority=high)])

        claimed = begin_lease(broker).claim(["mail", "reports"], 3)

        assert ids_of(claimed) == ["urgent", "a", "b"]

    def test_a_queue_that_is_named_twice_gives_its_messages_once(self, broker: Broker) -> None:
        broker.publish([publication("a"), publication("b")])

        assert ids_of(begin_lease(broker).claim(["celery", "celery"], 10)) == ["a", "b"]

    def test_a_claim_can_be_limited_to_some_tasks(self, broker: Broker) -> None:
        if not broker.features.claims_by_task:
            return
        broker.publish([publication("a", task="tests.add"), publication("b", task="tests.sleep")])
        lease = begin_lease(broker)

        assert ids_of(lease.claim(["celery"], 10, tasks=["tests.sleep", "tests.other"])) == ["b"]
        assert ids_of(lease.claim(["celery"], 10, tasks=[])) == []
        assert ids_of(lease.claim(["celery"], 10)) == ["a"]

    def test_a_message_is_claimed_when_it_is_due_and_not_before(
        self, broker: Broker, clock: ManualClock
    ) -> None:
        due = clock.timestamp() + self.later
        broker.publish([publication("later", due=due)])
        lease = begin_lease(broker)

        clock.advance(self.later - self.unit)
        assert ids_of(lease.claim(["celery"], 10)) == []

        clock.advance(2 * self.unit)
        (delivery,) = claim_soon(lease, 1)
        assert delivery.task_id == "later"
        assert delivery.ready_since == self.about(due)
        assert not delivery.redelivered

    def test_a_message_that_is_overdue_when_published_is_ready(
        self, broker: Broker, clock: ManualClock
    ) -> None:
        broker.publish([publication("late", due=clock.timestamp() - 60)])

        (delivery,) = begin_lease(broker).claim(["celery"], 10).deliveries

        assert delivery.ready_since == self.about(clock.timestamp())

    def test_a_ripe_message_takes_its_place_by_priority_and_publication(
        self, broker: Broker, clock: ManualClock
    ) -> None:
        soon, later = clock.timestamp() + self.unit, clock.timestamp() + 2 * self.unit
        broker.publish([publication("a", due=later), publication("b"), publication("c", due=soon)])

        clock.advance(3 * self.unit)

        claimed = [delivery.task_id for delivery in claim_soon(begin_lease(broker), 3)]
        assert (claimed if broker.features.keeps_place else sorted(claimed)) == ["a", "b", "c"]

    def test_two_messages_of_the_same_task_id_are_two_messages(self, broker: Broker) -> None:
        broker.publish([publication("a"), publication("a")])

        assert drain(begin_lease(broker)) == ["a", "a"]

    def test_many_threads_can_publish_at_once(self, broker: Broker) -> None:
        def publish(name: str) -> None:
            for number in range(25):
                broker.publish([publication(f"{name}{number}")])

        threads = [threading.Thread(target=publish, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        drained = drain(begin_lease(broker))
        assert len(drained) == len(set(drained)) == 100
        assert [task_id for task_id in drained if task_id[0] == "a"] == [f"a{n}" for n in range(25)]

    def test_a_closed_broker_opens_again_when_it_is_used(self, broker: Broker) -> None:
        broker.publish([publication("a")])
        broker.close()
        broker.close()

        broker.publish([publication("b")])

        assert drain(begin_lease(broker)) == ["a", "b"]
