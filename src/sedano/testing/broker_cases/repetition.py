"""What comes twice in a workflow: settlements whose answer was lost, and messages that are replayed."""

import pytest

from sedano.brokers.broker import Broker
from sedano.brokers.settlement import Bury, Finish, Settlement
from sedano.results.group_store import ChordEnd, WorkflowChange
from sedano.results.result_write import ResultWrite
from sedano.results.store import ResultStore
from sedano.testing.broker_cases.chords import ends, hold, hold_completed, tells
from sedano.testing.broker_cases.fixtures import BrokerFixtures, ids_of
from sedano.testing.group_store_cases import LATER, part
from sedano.testing.messages import publication


class RepetitionCases(BrokerFixtures):
    """Told twice, counted once. Skipped by a broker without joint results."""

    def test_a_settlement_that_completes_a_chord_can_be_repeated(
        self, broker: Broker, results: ResultStore
    ) -> None:
        """As it is when the broker's answer did not arrive."""
        lease, (finished, buried) = hold(broker, results, "a", "b")
        results.groups.begin_chord("g", 1, expires_at=LATER)
        results.groups.begin_chord("h", 1, expires_at=LATER)
        batch: list[Settlement] = [
            Finish(finished, None, (publication("next"),), tells(part("a"))),
            Bury(buried, "broken", workflow=tells(part("b", group_id="h"))),
        ]
        lease.claim(["celery"], 0, batch)

        claimed = lease.claim(["celery"], 10, batch)

        assert list(claimed.completing) == [(finished, "g"), (buried, "h")]
        assert (claimed.lost, ids_of(claimed)) == ([], ["next"])
        assert len(broker.admin.dead_letters()) == 1

    def test_a_settlement_of_several_members_can_be_repeated(
        self, broker: Broker, results: ResultStore
    ) -> None:
        lease, (tag,) = hold(broker, results, "a")
        results.groups.begin_chord("g", 2, expires_at=LATER)
        several = Finish(tag, None, (publication("errback"),), tells(part("a", 0), part("b", 1)))
        lease.claim([], 0, [several])

        claimed = lease.claim(["celery"], 10, [several])

        assert (ids_of(claimed), list(claimed.completing)) == (["errback"], [(tag, "g")])

    def test_an_end_of_one_chord_that_completes_another_can_be_repeated(
        self, broker: Broker, results: ResultStore
    ) -> None:
        lease, tag, member = hold_completed(broker, results)
        results.groups.begin_chord("outer", 1, expires_at=LATER)
        body = part("body", group_id="outer")
        end = WorkflowChange((), (body,), ChordEnd("g", member.member))
        settlement = Finish(tag, None, (publication("errback"),), end)
        lease.claim([], 0, [settlement])

        claimed = lease.claim(["celery"], 10, [settlement])

        assert (ids_of(claimed), list(claimed.completing)) == (["errback"], [(tag, "outer")])
        assert lease.holds([tag]) == {tag}

    def test_a_message_that_has_completed_two_chords_ends_one_after_the_other(
        self, broker: Broker, results: ResultStore
    ) -> None:
        lease, (tag,) = hold(broker, results, "a")
        for group_id in ("g", "h"):
            results.groups.begin_chord(group_id, 1, expires_at=LATER)
        first, second = part("a"), part("b", group_id="h")
        claimed = lease.claim([], 0, [Finish(tag, workflow=tells(first, second))])
        assert list(claimed.completing) == [(tag, "g"), (tag, "h")]

        told_again = part("b", group_id="h", document=b"")
        end = WorkflowChange((), (told_again,), ChordEnd("g", first.member))
        claimed = lease.claim(["celery"], 10, [Finish(tag, None, (publication("body of g"),), end)])
        assert (ids_of(claimed), list(claimed.completing)) == (["body of g"], [(tag, "h")])
        assert results.groups.parts("g") == []

        claimed = lease.claim(["celery"], 10, [Finish(tag, None, (publication("body of h"),), ends(second))])
        assert (ids_of(claimed), list(claimed.completing)) == (["body of h"], [])
        assert lease.holds([tag]) == set()

    @pytest.mark.parametrize("chord", ["open", "complete", "ended"])
    def test_a_member_that_is_replayed_from_the_dead_letters_is_settled_like_any_other(
        self, broker: Broker, results: ResultStore, chord: str
    ) -> None:
        lease, (tag,) = hold(broker, results, "a")
        results.groups.begin_chord("g", 2, expires_at=LATER)
        failure = ResultWrite("a", "FAILURE", b'{"status": "FAILURE"}')
        lease.claim([], 0, [Bury(tag, "broken", result=failure, workflow=tells(part("a")))])
        if chord != "open":
            assert results.groups.add_parts([part("b", 1)]) == [True]
        if chord == "ended":
            results.groups.end_chord(ChordEnd("g", "b:1"))
        (letter,) = broker.admin.dead_letters()
        broker.admin.replay([letter.key])
        (again,) = lease.claim(["celery"], 1).deliveries

        success = ResultWrite("a", "SUCCESS", b'{"status": "SUCCESS"}')
        told = tells(part("a", document=b"otherwise"))
        claimed = lease.claim(["celery"], 1, [Finish(again.tag, success, (publication("next"),), told)])

        assert (ids_of(claimed), list(claimed.completing)) == (["next"], [])
        assert results.get("a") == success.document
        assert results.groups.parts("g") == {"open": [b"a"], "complete": [b"a", b"b"], "ended": []}[chord]
        assert results.groups.add_parts([part("b", 1)]) == [chord != "ended"]
