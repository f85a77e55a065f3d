"""Settlements that change the workflow round a task. Skipped by a broker without joint results."""

import threading

from sedano.brokers.broker import Broker
from sedano.brokers.settlement import Bury, Finish, Record
from sedano.results.group_store import ChordEnd, WorkflowChange
from sedano.results.result_write import ResultWrite
from sedano.results.store import ResultStore
from sedano.testing.broker_cases.chords import ends, hold, hold_completed, tells
from sedano.testing.broker_cases.fixtures import LEASE, BrokerFixtures, begin_lease, drain, ids_of
from sedano.testing.clock import ManualClock
from sedano.testing.group_store_cases import LATER, part
from sedano.testing.messages import publication


class WorkflowCases(BrokerFixtures):
    """``settlement.workflow`` and ``Claimed.completing``."""

    def test_a_member_is_counted_with_its_settlement(self, broker: Broker, results: ResultStore) -> None:
        lease, (tag,) = hold(broker, results, "a")
        results.groups.begin_chord("g", 2, expires_at=LATER)

        claimed = lease.claim(["celery"], 0, [Finish(tag, workflow=tells(part("a")))])

        assert not any(claimed)
        assert results.groups.parts("g") == [b"a"]
        assert broker.admin.find("a") is None

    def test_the_member_that_completes_a_chord_keeps_its_message(
        self, broker: Broker, results: ResultStore
    ) -> None:
        lease, (first, second) = hold(broker, results, "a", "b")
        results.groups.begin_chord("g", 2, expires_at=LATER)
        result = ResultWrite("b", "SUCCESS", b"document")

        claimed = lease.claim(
            ["celery"],
            10,
            [
                Finish(first, workflow=tells(part("a", 0))),
                Finish(second, result, (publication("next"),), tells(part("b", 1))),
            ],
        )

        assert list(claimed.completing) == [(second, "g")]
        assert (claimed.lost, ids_of(claimed)) == ([], ["next"])
        assert lease.holds([first, second]) == {second}
        assert broker.admin.find("a") is None
        assert results.get("b") == b"document"

    def test_the_body_is_published_with_the_end_of_its_chord(
        self, broker: Broker, results: ResultStore
    ) -> None:
        lease, tag, member = hold_completed(broker, results)

        claimed = lease.claim(
            ["celery"], 10, [Finish(tag, follow_ups=(publication("body"),), workflow=ends(member))]
        )

        assert ids_of(claimed) == ["body"]
        assert (claimed.lost, list(claimed.completing)) == ([], [])
        assert lease.holds([tag]) == set()
        assert broker.admin.find("b") is None
        assert results.groups.parts("g") == []
        assert not results.groups.may_end(ChordEnd("g", member.member))

    def test_of_an_end_that_comes_too_late_nothing_takes_effect_but_the_removal_of_the_message(
        self, broker: Broker, results: ResultStore
    ) -> None:
        lease, tag, member = hold_completed(broker, results)
        results.groups.end_chord(ChordEnd("g", member.member))
        results.groups.begin_chord("outer", 1, expires_at=LATER)
        change = WorkflowChange(
            results=(ResultWrite("step", "FAILURE", b"failed"),),
            parts=(part("body", group_id="outer"),),
            end=ChordEnd("g", member.member),
            extensions=(("outer", 1, "more"),),
        )

        claimed = lease.claim(
            ["celery"],
            10,
            [Finish(tag, ResultWrite("body", "FAILURE", b"failed"), (publication("body"),), change)],
        )

        assert not any(claimed)
        assert broker.admin.queues() == []
        assert results.get_many(["body", "step"]) == {}
        assert results.groups.parts("outer") == []
        assert results.groups.add_parts([part("other", group_id="outer")]) == [True]

    def test_a_record_of_an_end_that_comes_too_late_changes_nothing(
        self, broker: Broker, results: ResultStore
    ) -> None:
        lease, tag, member = hold_completed(broker, results)
        results.groups.end_chord(ChordEnd("g", member.member))
        result, body = ResultWrite("body", "FAILURE", b"failed"), publication("body")

        claimed = lease.claim(
            ["celery"],
            10,
            [Record(tag, result, (body,), ends(member)), Record(None, result, (body,), ends(member))],
        )

        assert not any(claimed)
        assert lease.holds([tag]) == {tag}
        assert results.get("body") is None

    def test_a_chord_can_be_ended_by_a_task_that_has_no_message_any_more(
        self, broker: Broker, results: ResultStore
    ) -> None:
        lease = begin_lease(broker, results=results)
        results.groups.begin_chord("g", 1, expires_at=LATER)
        assert results.groups.add_parts([part("a")]) == [True]

        claimed = lease.claim(["celery"], 10, [Record(None, None, (publication("body"),), ends(part("a")))])

        assert ids_of(claimed) == ["body"]
        assert results.groups.parts("g") == []

    def test_the_end_of_one_chord_may_complete_another(self, broker: Broker, results: ResultStore) -> None:
        lease, tag, member = hold_completed(broker, results)
        results.groups.begin_chord("outer", 1, expires_at=LATER)
        body = part("body", group_id="outer")
        end = WorkflowChange(parts=(body,), end=ChordEnd("g", member.member))

        claimed = lease.claim(["celery"], 10, [Finish(tag, workflow=end)])

        assert list(claimed.completing) == [(tag, "outer")]
        assert results.groups.parts("g") == []
        assert lease.holds([tag]) == {tag}
        assert not any(lease.claim(["celery"], 10, [Finish(tag, workflow=ends(body))]))
        assert broker.admin.queues() == []

    def test_a_burial_that_completes_a_chord_is_a_dead_letter_whose_message_is_kept(
        self, broker: Broker, results: ResultStore
    ) -> None:
        lease, (tag,) = hold(broker, results, "a")
        results.groups.begin_chord("g", 1, expires_at=LATER)

        claimed = lease.claim(["celery"], 0, [Bury(tag, "broken", workflow=tells(part("a")))])

        assert list(claimed.completing) == [(tag, "g")]
        assert [(letter.task_id, letter.reason) for letter in broker.admin.dead_letters()] == [
            ("a", "broken")
        ]
        assert lease.holds([tag]) == {tag}

        assert not any(lease.claim(["celery"], 10, [Finish(tag, workflow=ends(part("a")))]))
        assert broker.admin.queues() == []
        assert len(broker.admin.dead_letters()) == 1

    def test_a_burial_that_completes_no_chord_is_one_like_any_other(
        self, broker: Broker, results: ResultStore
    ) -> None:
        lease, (tag,) = hold(broker, results, "a")
        results.groups.begin_chord("g", 2, expires_at=LATER)

        claimed = lease.claim(["celery"], 0, [Bury(tag, "broken", workflow=tells(part("a")))])

        assert not any(claimed)
        assert results.groups.has_part(part("a"))
        assert broker.admin.queues() == []
        assert len(broker.admin.dead_letters()) == 1

    def test_a_record_may_complete_a_chord(self, broker: Broker, results: ResultStore) -> None:
        lease, (tag,) = hold(broker, results, "a")
        results.groups.begin_chord("g", 1, expires_at=LATER)

        claimed = lease.claim(["celery"], 0, [Record(tag, workflow=tells(part("a")))])

        assert list(claimed.completing) == [(tag, "g")]
        assert lease.holds([tag]) == {tag}

    def test_a_record_without_a_claim_counts_a_member(self, broker: Broker, results: ResultStore) -> None:
        lease = begin_lease(broker, results=results)
        results.groups.begin_chord("g", 2, expires_at=LATER)

        claimed = lease.claim(["celery"], 0, [Record(None, workflow=tells(part("a")))])

        assert not any(claimed)
        assert results.groups.parts("g") == [b"a"]

    def test_results_of_steps_that_never_run_are_stored_with_the_settlement(
        self, broker: Broker, results: ResultStore
    ) -> None:
        lease, (tag,) = hold(broker, results, "a")
        steps = tuple(ResultWrite(name, "FAILURE", name.encode()) for name in ("second", "third"))

        lease.claim(["celery"], 0, [Finish(tag, workflow=WorkflowChange(results=steps))])

        assert results.get_many(["second", "third"]) == {"second": b"second", "third": b"third"}
        assert broker.admin.find("a") is None

    def test_a_chord_is_extended_with_the_settlement(self, broker: Broker, results: ResultStore) -> None:
        lease, (first, second) = hold(broker, results, "a", "b")
        results.groups.begin_chord("g", 1, expires_at=LATER)

        claimed = lease.claim(
            ["celery"],
            0,
            [
                Finish(first, workflow=WorkflowChange(extensions=(("g", 1, "more"),))),
                Finish(second, workflow=tells(part("b", 1))),
            ],
        )

        assert list(claimed.completing) == []
        assert results.groups.add_parts([part("a", 0)]) == [True]

    def test_a_settlement_that_came_too_late_counts_nobody(
        self, broker: Broker, results: ResultStore
    ) -> None:
        lease, (tag,) = hold(broker, results, "a")
        lease.claim(["celery"], 0, [Finish(tag)])
        results.groups.begin_chord("g", 1, expires_at=LATER)
        change = WorkflowChange(
            (ResultWrite("step", "FAILURE", b"failed"),), (part("a"),), None, (("g", 1, "more"),)
        )

        claimed = lease.claim(
            ["celery"],
            0,
            [Finish(tag, workflow=change), Bury(tag, "", workflow=change), Record(tag, workflow=change)],
        )

        assert (claimed.lost, list(claimed.completing)) == ([tag, tag, tag], [])
        assert results.get("step") is None
        assert not results.groups.has_part(part("a"))
        assert results.groups.add_parts([part("b")]) == [True]

    def test_without_joint_results_the_workflow_is_left_to_the_caller(
        self, broker: Broker, results: ResultStore
    ) -> None:
        broker.publish([publication("a"), publication("b")])
        lease = begin_lease(broker)
        first, second = (delivery.tag for delivery in lease.claim(["celery"], 2).deliveries)
        results.groups.begin_chord("g", 1, expires_at=LATER)

        claimed = lease.claim(
            ["celery"],
            10,
            [
                Finish(first, workflow=tells(part("a"))),
                Finish(second, None, (publication("body"),), ends(part("b"))),
            ],
        )

        assert (claimed.lost, list(claimed.completing), ids_of(claimed)) == ([], [], ["body"])
        assert lease.holds([first, second]) == set()
        assert not results.groups.has_part(part("a"))

    def test_a_chord_whose_node_dies_before_its_end_is_ended_by_another(
        self, broker: Broker, results: ResultStore, clock: ManualClock
    ) -> None:
        dead, tag, member = hold_completed(broker, results)
        clock.advance(LEASE.total_seconds() + 1)
        heir = begin_lease(broker, "heir@host", results=results)
        assert heir.recover_dead() == 1
        (delivery,) = heir.claim(["celery"], 10).deliveries
        assert (delivery.task_id, delivery.redelivered) == ("b", True)

        claimed = heir.claim([], 0, [Finish(delivery.tag, workflow=tells(part("b", 1, document=b"")))])
        late = dead.claim([], 0, [Finish(tag, None, (publication("twice"),), ends(member))])

        assert list(claimed.completing) == [(delivery.tag, "g")]
        assert late.lost == [tag]
        assert results.groups.parts("g") == [b"a", b"b"]
        heir.claim([], 0, [Finish(delivery.tag, None, (publication("body"),), ends(member))])
        assert drain(heir) == ["body"]

    def test_the_end_of_a_lease_gives_back_a_message_that_was_kept(
        self, broker: Broker, results: ResultStore
    ) -> None:
        lease, _, _ = hold_completed(broker, results)

        assert lease.end() == 1

        (delivery,) = begin_lease(broker, results=results).claim(["celery"], 10).deliveries
        assert (delivery.task_id, delivery.redelivered, delivery.crashes) == ("b", True, 0)

    def test_of_members_that_many_nodes_settle_exactly_one_completes_their_chord(
        self, broker: Broker, results: ResultStore
    ) -> None:
        names = [f"task {number}" for number in range(40)]
        broker.publish([publication(name) for name in names])
        results.groups.begin_chord("g", len(names), expires_at=LATER)
        completing: list[tuple[int, str]] = []

        def work(node: str) -> None:
            lease = begin_lease(broker, node, results=results)
            claimed = lease.claim(["celery"], 3)
            while claimed.deliveries:
                members = [(d.tag, part(d.task_id, names.index(d.task_id))) for d in claimed.deliveries]
                claimed = lease.claim(
                    ["celery"], 3, [Finish(tag, workflow=tells(member)) for tag, member in members]
                )
                completing.extend(claimed.completing)

        threads = [threading.Thread(target=work, args=(f"w{number}@host",)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [group_id for _, group_id in completing] == ["g"]
        assert results.groups.parts("g") == [name.encode() for name in names]
        assert broker.admin.depth("celery").claimed == 1
