"""Settling where the result store is elsewhere: whatever fails in between, it can be done again."""

from collections.abc import Iterator
from typing import Any

import pytest

from sedano.brokers.delivery import Delivery
from sedano.brokers.memory.broker import MemoryBroker
from sedano.brokers.settlement import Bury, Finish, Record, Requeue, Settlement
from sedano.errors import BrokerUnavailable, ResultStoreUnavailable
from sedano.results.group_store import ChordEnd, ChordPart, WorkflowChange
from sedano.results.memory_store import MemoryResultStore
from sedano.results.result_write import ResultWrite
from sedano.testing.broker_cases.fixtures import begin_lease
from sedano.testing.clock import ManualClock
from sedano.testing.messages import publication
from sedano.worker.outside_results import Completed, OutsideResults

QUEUES = ("celery",)


class Site:
    """A lease, and a store that is elsewhere."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.broker = MemoryBroker(clock=self.clock)
        self.lease = begin_lease(self.broker, "here")
        self.results = MemoryResultStore(clock=self.clock)
        self.outside = OutsideResults(self.results, QUEUES)

    def claim(self, *names: str) -> list[Delivery]:
        self.broker.publish([publication(name) for name in names])
        return self.lease.claim(QUEUES, len(names)).deliveries

    def settle(self, *settlements: Settlement) -> list[Completed]:
        told = self.outside.tell(self.lease, list(settlements))
        claimed = self.lease.claim(QUEUES, 0, told.settlements)
        self.outside.forget(told, claimed.lost)
        return told.completed

    def messages(self) -> set[str]:
        return {message.task_id for message in self.broker.admin.peek("celery")}


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.broker.close()


def part(name: str, place: int = 0, group_id: str = "g") -> ChordPart:
    return ChordPart(group_id, name, place, name.encode())


def change(*parts: ChordPart, **more: Any) -> WorkflowChange:
    return WorkflowChange(parts=parts, **more)


def result(name: str) -> ResultWrite:
    return ResultWrite(name, "SUCCESS", b"stored")


def test_the_message_that_completes_a_chord_stays_and_all_others_go(site: Site) -> None:
    a, b = site.claim("a", "b")
    site.results.groups.begin_chord("g", 2, expires_at=None)

    completed = site.settle(
        Finish(a.tag, result("a"), workflow=change(part("a", 0))),
        Finish(b.tag, result("b"), (publication("callback"),), change(part("b", 1))),
    )

    assert completed == [Completed(b.tag, "g")]
    assert site.messages() == {"b", "callback"}
    assert site.results.get("a") == site.results.get("b") == b"stored"
    assert [delivery.task_id for delivery in site.lease.reread([b.tag])] == ["b"]


def test_a_lost_claim_counts_nothing(site: Site) -> None:
    (a,) = site.claim("a")
    site.results.groups.begin_chord("g", 1, expires_at=None)
    site.lease.claim(QUEUES, 0, [Requeue(a.tag)])

    completed = site.settle(
        Finish(a.tag, result("a"), workflow=change(part("a"), extensions=(("g", 5, "more"),)))
    )

    assert completed == []
    assert not site.results.groups.has_part(part("a"))
    assert site.results.get("a") is None


def test_a_message_that_is_to_be_buried_is_buried_when_its_chord_has_been_ended(site: Site) -> None:
    (a,) = site.claim("a")
    site.results.groups.begin_chord("g", 1, expires_at=None)

    (completed,) = site.settle(Bury(a.tag, "no use", workflow=change(part("a"))))

    assert completed == Completed(a.tag, "g", "no use")
    assert site.broker.admin.dead_letters() == []
    end = WorkflowChange(end=ChordEnd("g", part("a").member))
    site.settle(Bury(a.tag, "no use", follow_ups=(publication("body"),), workflow=end))
    assert [letter.task_id for letter in site.broker.admin.dead_letters()] == ["a"]
    assert site.messages() == {"body"}


def test_a_chord_is_ended_once_and_of_a_late_end_only_the_message_goes(site: Site) -> None:
    a, b = site.claim("a", "b")
    site.results.groups.begin_chord("g", 1, expires_at=None)
    site.settle(Finish(a.tag, workflow=change(part("a"))))
    end = WorkflowChange(results=(result("step"),), end=ChordEnd("g", part("a").member))

    site.settle(Finish(a.tag, follow_ups=(publication("body"),), workflow=end))
    site.settle(Finish(b.tag, follow_ups=(publication("body-again"),), workflow=end))
    site.settle(Record(None, follow_ups=(publication("body-once-more"),), workflow=end))

    assert site.messages() == {"body"}
    assert site.results.get("step") == b"stored"


def test_a_node_that_dies_before_it_forgets_a_chord_leaves_nobody_a_body_to_start(site: Site) -> None:
    a, b = site.claim("a", "b")
    site.results.groups.begin_chord("g", 2, expires_at=None)
    # Another node died when it had told of a, whose message has come again here.
    site.results.groups.add_parts([part("a", 0)])
    assert site.settle(Finish(b.tag, workflow=change(part("b", 1)))) == [Completed(b.tag, "g")]
    end = WorkflowChange(end=ChordEnd("g", part("b", 1).member))
    told = site.outside.tell(site.lease, [Finish(b.tag, None, (publication("body"),), end)])
    site.lease.claim(QUEUES, 0, told.settlements)
    site.clock.advance(60)

    again = ChordPart("g", "a", 0, b"")
    assert site.settle(Finish(a.tag, workflow=change(again))) == []

    assert site.messages() == {"body"}


def test_what_a_broker_did_not_take_is_told_again_and_counts_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    (a,) = site.claim("a")
    site.results.groups.begin_chord("g", 1, expires_at=None)
    settling: list[Settlement] = [
        Finish(a.tag, result("a"), (publication("more"),), change(part("a"), extensions=(("g", 1, "more"),)))
    ]
    claim = site.lease.claim

    def away(*args: Any, **kwargs: Any) -> Any:
        raise BrokerUnavailable("memory", "it is away")

    monkeypatch.setattr(site.lease, "claim", away)
    with pytest.raises(BrokerUnavailable):
        site.outside.tell(site.lease, settling)
    assert not site.results.groups.has_part(part("a"))
    monkeypatch.setattr(site.lease, "claim", claim)
    assert site.settle(*settling) == []

    # Extended once: two members in all.
    assert site.results.groups.add_parts([part("more", 1)]) == [True]
    assert site.messages() == {"more"}


def test_a_store_that_is_away_leaves_all_as_it_was(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    (a,) = site.claim("a")

    def away(*args: Any) -> Any:
        raise ResultStoreUnavailable("it is away")

    monkeypatch.setattr(site.results.groups, "add_parts", away)
    settling: list[Settlement] = [Finish(a.tag, result("a"), (publication("callback"),), change(part("a")))]
    with pytest.raises(ResultStoreUnavailable):
        site.outside.tell(site.lease, settling)

    assert site.messages() == {"a", "callback"}
    monkeypatch.undo()
    site.settle(*settling)
    assert site.messages() == {"callback"}


def test_chord_state_that_could_not_be_deleted_is_a_warning(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (a,) = site.claim("a")
    site.results.groups.begin_chord("g", 1, expires_at=None)
    site.settle(Finish(a.tag, workflow=change(part("a"))))

    def away(*args: Any) -> Any:
        raise ResultStoreUnavailable("it is away")

    monkeypatch.setattr(site.results.groups, "end_chord", away)
    end = WorkflowChange(end=ChordEnd("g", part("a").member))
    site.settle(Finish(a.tag, follow_ups=(publication("body"),), workflow=end))

    assert site.messages() == {"body"}
    assert "stays until it expires" in caplog.text
