"""What becomes of claimed messages: the five ways to settle, and settling too late."""

from sedano.brokers.broker import Broker
from sedano.brokers.settlement import Bury, Finish, Park, Record, Requeue
from sedano.results.result_write import ResultWrite
from sedano.results.store import ResultStore
from sedano.testing.broker_cases.fixtures import BrokerFixtures, begin_lease, claim_soon, drain, ids_of
from sedano.testing.clock import ManualClock
from sedano.testing.messages import publication

A_RESULT = ResultWrite("a", "SUCCESS", b"the document")


class SettlingCases(BrokerFixtures):
    """``Lease.claim(settling=…)``."""

    def test_a_finished_message_is_gone(self, broker: Broker) -> None:
        broker.publish([publication("a"), publication("b")])
        lease = begin_lease(broker)
        first, second = lease.claim(["celery"], 10).deliveries

        claimed = lease.claim(["celery"], 0, [Finish(first.tag)])

        assert not any(claimed)
        assert broker.admin.find("a") is None
        assert lease.holds([first.tag, second.tag]) == {second.tag}

    def test_one_call_settles_and_claims(self, broker: Broker) -> None:
        broker.publish([publication("a"), publication("b")])
        lease = begin_lease(broker)
        (first,) = lease.claim(["celery"], 1).deliveries

        claimed = lease.claim(["celery"], 1, [Finish(first.tag)])

        assert ids_of(claimed) == ["b"]

    def test_a_limit_of_nothing_only_settles(self, broker: Broker) -> None:
        broker.publish([publication("a"), publication("b")])
        lease = begin_lease(broker)
        (first,) = lease.claim(["celery"], 1).deliveries

        assert not any(lease.claim(["celery"], 0, [Finish(first.tag)]))
        assert broker.admin.depth("celery").ready == 1

    def test_follow_ups_are_published_with_the_settlement(self, broker: Broker, clock: ManualClock) -> None:
        broker.publish([publication("a")])
        lease = begin_lease(broker)
        (delivery,) = lease.claim(["celery"], 1).deliveries
        now, later = publication("next"), publication("retry", due=clock.timestamp() + 60)

        claimed = lease.claim(["celery"], 10, [Finish(delivery.tag, follow_ups=(now, later))])

        assert ids_of(claimed) == ["next"]
        assert broker.admin.depth("celery").scheduled == 1

    def test_a_result_is_stored_with_the_settlement(self, broker: Broker, results: ResultStore) -> None:
        broker.publish([publication("a")])
        lease = begin_lease(broker, results=results)
        (delivery,) = lease.claim(["celery"], 1).deliveries

        lease.claim(["celery"], 0, [Finish(delivery.tag, A_RESULT)])

        assert results.get("a") == b"the document"

    def test_every_way_to_settle_stores_its_result(self, broker: Broker, results: ResultStore) -> None:
        broker.publish([publication(name) for name in ("requeued", "buried", "recorded")])
        lease = begin_lease(broker, results=results)
        requeued, buried, recorded = (d.tag for d in lease.claim(["celery"], 3).deliveries)

        lease.claim(
            ["celery"],
            0,
            [
                Requeue(requeued, result=ResultWrite("requeued", "RETRY", b"1")),
                Bury(buried, "broken", result=ResultWrite("buried", "FAILURE", b"2")),
                Record(recorded, ResultWrite("recorded", "STARTED", b"3")),
            ],
        )

        assert results.get_many(["requeued", "buried", "recorded"]) == {
            "requeued": b"1",
            "buried": b"2",
            "recorded": b"3",
        }

    def test_a_stored_success_is_not_overwritten_by_a_settlement(
        self, broker: Broker, results: ResultStore
    ) -> None:
        results.put([A_RESULT])
        broker.publish([publication("a")])
        lease = begin_lease(broker, results=results)
        (delivery,) = lease.claim(["celery"], 1).deliveries

        lease.claim(["celery"], 0, [Finish(delivery.tag, ResultWrite("a", "FAILURE", b"second run"))])

        assert results.get("a") == b"the document"

    def test_a_settlement_that_is_repeated_is_lost_and_does_nothing(
        self, broker: Broker, results: ResultStore
    ) -> None:
        broker.publish([publication("a")])
        lease = begin_lease(broker, results=results)
        (delivery,) = lease.claim(["celery"], 1).deliveries
        finish = Finish(delivery.tag, A_RESULT, (publication("next"),))
        lease.claim(["celery"], 0, [finish])
        results.forget("a")

        claimed = lease.claim(["celery"], 0, [finish])

        assert claimed.lost == [delivery.tag]
        assert results.get("a") is None
        assert drain(lease) == ["next"]

    def test_the_second_settlement_of_a_claim_in_one_batch_is_lost(self, broker: Broker) -> None:
        broker.publish([publication("a")])
        lease = begin_lease(broker)
        (delivery,) = lease.claim(["celery"], 1).deliveries

        claimed = lease.claim(["celery"], 0, [Finish(delivery.tag), Requeue(delivery.tag)])

        assert claimed.lost == [delivery.tag]
        assert broker.admin.find("a") is None

    def test_the_settlements_of_others_are_carried_out_when_one_is_lost(self, broker: Broker) -> None:
        broker.publish([publication("a"), publication("b")])
        lease = begin_lease(broker)
        first, second = (d.tag for d in lease.claim(["celery"], 2).deliveries)
        unknown = second + 1000

        claimed = lease.claim(["celery"], 0, [Finish(first), Finish(unknown), Finish(second)])

        assert claimed.lost == [unknown]
        assert broker.admin.queues() == []

    def test_another_nodes_claim_cannot_be_settled(self, broker: Broker) -> None:
        broker.publish([publication("a")])
        holder, other = begin_lease(broker, "w1@host"), begin_lease(broker, "w2@host")
        (delivery,) = holder.claim(["celery"], 1).deliveries

        assert other.claim(["celery"], 0, [Finish(delivery.tag)]).lost == [delivery.tag]
        assert holder.holds([delivery.tag]) == {delivery.tag}

    def test_two_lives_of_one_node_hold_different_claims(self, broker: Broker) -> None:
        broker.publish([publication("a")])
        first_life, second_life = begin_lease(broker), begin_lease(broker)
        (delivery,) = first_life.claim(["celery"], 1).deliveries

        assert first_life.incarnation != second_life.incarnation
        assert second_life.holds([delivery.tag]) == set()

    def test_a_lease_holds_what_it_claimed_and_has_not_settled(self, broker: Broker) -> None:
        broker.publish([publication("a"), publication("b"), publication("c")])
        lease = begin_lease(broker)
        first, second = (d.tag for d in lease.claim(["celery"], 2).deliveries)

        lease.claim(["celery"], 0, [Finish(first)])

        assert lease.holds([first, second, second + 1]) == {second}
        assert lease.holds([]) == set()

    def test_messages_that_a_lease_holds_can_be_read_again(self, broker: Broker) -> None:
        broker.publish([publication(name, priority=1, body=name.encode()) for name in "abc"])
        lease, other = begin_lease(broker, "w1@host"), begin_lease(broker, "w2@host")
        first, second = lease.claim(["celery"], 2).deliveries
        (others,) = other.claim(["celery"], 1).deliveries
        lease.claim([], 0, [Finish(first.tag)])

        read = lease.reread([others.tag, second.tag, first.tag, others.tag + 1000])

        assert [(d.tag, d.task_id, d.task, d.queue, d.priority, d.envelope) for d in read] == [
            (second.tag, "b", "tests.add", "celery", 1, second.envelope)
        ]
        assert [(d.crashes, d.redelivered) for d in read] == [(0, False)]
        assert lease.holds([second.tag]) == {second.tag}
        assert lease.reread([]) == []

    def test_a_requeued_message_comes_before_those_published_after_it(self, broker: Broker) -> None:
        broker.publish([publication(name) for name in "abc"])
        lease = begin_lease(broker)
        first, second = lease.claim(["celery"], 2).deliveries

        claimed = lease.claim(["celery"], 10, [Requeue(second.tag), Requeue(first.tag)])

        assert ids_of(claimed) == ["a", "b", "c"]
        assert [(d.redelivered, d.crashes) for d in claimed.deliveries] == [(True, 0), (True, 0), (False, 0)]

    def test_only_what_may_have_begun_is_redelivered(self, broker: Broker, clock: ManualClock) -> None:
        broker.publish([publication(name) for name in "abcd"])
        lease = begin_lease(broker)
        a, b, c, _ = lease.claim(["celery"], 4).deliveries
        later = clock.timestamp() + self.later
        never_begun = [Requeue(a.tag, begun=False), Requeue(b.tag, due=later, begun=False)]
        lease.claim([], 0, [*never_begun, Requeue(c.tag, due=later)])
        clock.advance(self.later + self.unit)

        deliveries = claim_soon(lease, 3)

        told = {d.task_id: d.redelivered for d in deliveries}
        assert told == {"a": not broker.features.tells_begun, "b": False, "c": True}
        again = [Requeue(delivery.tag, begun=False) for delivery in deliveries]
        claimed = lease.claim(["celery"], 10, again)
        assert {d.task_id: d.redelivered for d in claimed.deliveries} == told

    def test_a_requeued_message_keeps_its_envelope_and_priority(self, broker: Broker) -> None:
        broker.publish([publication("a", priority=4, body=b"[[3], {}, {}]")])
        lease = begin_lease(broker)
        (before,) = lease.claim(["celery"], 1).deliveries

        (after,) = lease.claim(["celery"], 1, [Requeue(before.tag)]).deliveries

        assert (after.envelope, after.priority) == (before.envelope, 4)

    def test_a_message_can_be_requeued_for_later(self, broker: Broker, clock: ManualClock) -> None:
        broker.publish([publication("a")])
        lease = begin_lease(broker)
        (delivery,) = lease.claim(["celery"], 1).deliveries

        assert not any(
            lease.claim(["celery"], 1, [Requeue(delivery.tag, due=clock.timestamp() + self.later)])
        )

        clock.advance(self.later + self.unit)
        assert [delivery.task_id for delivery in claim_soon(lease, 1)] == ["a"]

    def test_a_crash_is_counted_when_the_message_is_requeued_for_it(self, broker: Broker) -> None:
        broker.publish([publication("a")])
        lease = begin_lease(broker)
        (first,) = lease.claim(["celery"], 1).deliveries
        (second,) = lease.claim(["celery"], 1, [Requeue(first.tag, crashed=True)]).deliveries

        (third,) = lease.claim(["celery"], 1, [Requeue(second.tag, crashed=True)]).deliveries

        assert (first.crashes, second.crashes, third.crashes) == (0, 1, 2)

    def test_a_buried_message_is_a_dead_letter_with_its_reason(
        self, broker: Broker, clock: ManualClock
    ) -> None:
        message = publication("a", priority=2)
        broker.publish([message])
        lease = begin_lease(broker)
        (delivery,) = lease.claim(["celery"], 1).deliveries

        lease.claim(["celery"], 0, [Bury(delivery.tag, "killed by signal 9", crashed=True)])

        (letter,) = broker.admin.dead_letters()
        assert (letter.task_id, letter.task, letter.queue) == ("a", "tests.add", "celery")
        assert (letter.reason, letter.crashes, letter.priority) == ("killed by signal 9", 1, 2)
        assert (letter.envelope, letter.buried_at) == (message.envelope, self.about(clock.timestamp()))
        assert broker.admin.find("a") is None

    def test_a_burial_publishes_what_follows_from_it(self, broker: Broker) -> None:
        broker.publish([publication("a")])
        lease = begin_lease(broker)
        (delivery,) = lease.claim(["celery"], 1).deliveries

        claimed = lease.claim(
            ["celery"], 1, [Bury(delivery.tag, "broken", follow_ups=(publication("next"),))]
        )

        assert ids_of(claimed) == ["next"]

    def test_a_parked_message_waits_for_a_node_that_knows_its_task(self, broker: Broker) -> None:
        broker.publish([publication("a", task="tests.new"), publication("b", task="tests.newer")])
        lease = begin_lease(broker)
        tags = [d.tag for d in lease.claim(["celery"], 2).deliveries]

        assert not any(lease.claim(["celery"], 10, [Park(tag) for tag in tags]))
        assert broker.admin.depth("celery").parked == 2

        other = begin_lease(broker, "other")
        (delivery,) = other.claim_parked(["celery"], 10, ["tests.new", "tests.add"])
        assert delivery.task_id == "a"
        assert not any(other.claim(["celery"], 10, [Finish(delivery.tag)]))
        assert broker.admin.depth("celery").parked == 1

    def test_parked_messages_of_other_or_paused_queues_stay_where_they_are(self, broker: Broker) -> None:
        broker.publish(
            [publication("a", task="tests.new"), publication("b", task="tests.new", queue="other")]
        )
        lease = begin_lease(broker)
        tags = [d.tag for d in lease.claim(["celery", "other"], 2).deliveries]
        lease.claim([], 0, [Park(tag) for tag in tags])
        broker.admin.pause("celery")

        assert lease.claim_parked(["celery"], 10, ["tests.new"]) == []
        broker.admin.resume("celery")
        assert [d.task_id for d in lease.claim_parked(["celery"], 10, ["tests.new"])] == ["a"]

    def test_a_record_leaves_the_message_where_it_is(self, broker: Broker, results: ResultStore) -> None:
        broker.publish([publication("a")])
        lease = begin_lease(broker, results=results)
        (delivery,) = lease.claim(["celery"], 1).deliveries
        progress = Record(delivery.tag, ResultWrite("a", "PROGRESS", b"half"), (publication("note"),))

        claimed = lease.claim(["celery"], 10, [progress])

        assert ids_of(claimed) == ["note"]
        assert results.get("a") == b"half"
        assert lease.claim(["celery"], 0, [Finish(delivery.tag)]).lost == []

    def test_a_record_of_a_claim_that_fell_does_nothing(self, broker: Broker, results: ResultStore) -> None:
        lease = begin_lease(broker, results=results)

        claimed = lease.claim(["celery"], 10, [Record(4711, A_RESULT, (publication("note"),))])

        assert (claimed.deliveries, claimed.lost) == ([], [4711])
        assert results.get("a") is None

    def test_a_record_without_a_claim_always_takes_effect(self, broker: Broker, results: ResultStore) -> None:
        lease = begin_lease(broker, results=results)

        claimed = lease.claim(["celery"], 10, [Record(None, A_RESULT, (publication("next"),))])

        assert ids_of(claimed) == ["next"]
        assert results.get("a") == b"the document"

    def test_the_later_of_two_results_in_one_batch_stays(self, broker: Broker, results: ResultStore) -> None:
        broker.publish([publication("a")])
        lease = begin_lease(broker, results=results)
        (delivery,) = lease.claim(["celery"], 1).deliveries

        lease.claim(
            ["celery"],
            0,
            [Record(delivery.tag, ResultWrite("a", "STARTED", b"1")), Finish(delivery.tag, A_RESULT)],
        )

        assert results.get("a") == b"the document"
