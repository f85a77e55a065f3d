"""The tests that every ``TickStore`` passes.

Derive from ``TickStoreConformance``, and say in two fixtures how to open your broker twice at one place that
is empty when a test begins::

    class TestTicks(TickStoreConformance):
        @pytest.fixture
        def broker(self, server: Server) -> Broker: ...

        @pytest.fixture
        def other(self, server: Server) -> Broker: ...
"""

import threading
from collections.abc import Sequence

from sedano.brokers.broker import Broker
from sedano.brokers.publication import Publication
from sedano.brokers.ticks import EntryState, Tick, TickStore, Unpublished
from sedano.testing.messages import publication

#: POSIX seconds.
NOW = 1_800_000_000.25


def ticks_of(broker: Broker) -> TickStore:
    """The store of a broker that has one."""
    assert broker.ticks is not None
    return broker.ticks


def claim(store: TickStore, ticks: Sequence[Tick], *, now: float) -> list[bool]:
    """Claim, and publish where that is one step."""
    return store.claim(ticks, now=now, keep=not store.publishes)


def kept(store: TickStore) -> list[Unpublished]:
    """What claims have kept."""
    return list(store.unpublished(limit=1000))


def waiting(broker: Broker) -> list[str]:
    """The messages in the queue, or on their way there."""
    if not ticks_of(broker).publishes:
        return [one.publication.task_id for one in kept(ticks_of(broker))]
    return [message.task_id for message in broker.admin.peek("celery", limit=1000)]


class TickStoreConformance:
    """All of them."""

    def test_an_entry_begins_when_it_is_first_seen(self, broker: Broker, other: Broker) -> None:
        assert ticks_of(broker).states(["tidy"], now=NOW) == {"tidy": EntryState(NOW)}
        assert ticks_of(other).states(["tidy", "new"], now=NOW + 60) == {
            "tidy": EntryState(NOW),
            "new": EntryState(NOW + 60),
        }

    def test_nothing_is_known_of_no_entries(self, broker: Broker) -> None:
        assert ticks_of(broker).states([], now=NOW) == {}
        assert claim(ticks_of(broker), [], now=NOW) == []

    def test_a_claimed_tick_is_published_and_noted(self, broker: Broker, other: Broker) -> None:
        ticks = ticks_of(broker)
        ticks.states(["tidy"], now=NOW)

        assert claim(ticks, [Tick("tidy", NOW, NOW + 10, publication("a"))], now=NOW + 10.5) == [True]

        assert waiting(broker) == ["a"]
        assert ticks_of(other).states(["tidy"], now=NOW + 99)["tidy"] == EntryState(NOW + 10, NOW + 10.5, 1)

    def test_a_tick_is_claimed_once(self, broker: Broker, other: Broker) -> None:
        ticks_of(broker).states(["tidy"], now=NOW)
        first = Tick("tidy", NOW, NOW + 10, publication("a"))

        assert claim(ticks_of(broker), [first], now=NOW + 10) == [True]
        assert claim(ticks_of(other), [Tick("tidy", NOW, NOW + 10, publication("b"))], now=NOW + 10) == [
            False
        ]

        assert waiting(other) == ["a"]

    def test_a_tick_that_is_left_out_publishes_nothing(self, broker: Broker) -> None:
        ticks = ticks_of(broker)
        ticks.states(["tidy"], now=NOW)

        assert claim(ticks, [Tick("tidy", NOW, NOW + 10)], now=NOW + 10) == [True]

        assert waiting(broker) == []
        assert ticks.states(["tidy"], now=NOW + 10)["tidy"] == EntryState(NOW + 10)

    def test_ticks_of_one_entry_follow_each_other_in_one_claim(self, broker: Broker) -> None:
        ticks = ticks_of(broker)
        ticks.states(["tidy"], now=NOW)

        claimed = claim(
            ticks,
            [
                Tick("tidy", NOW, NOW + 10, publication("a")),
                Tick("tidy", NOW + 10, NOW + 20, publication("b")),
                Tick("tidy", NOW, NOW + 30, publication("c")),
            ],
            now=NOW + 40,
        )

        assert claimed == [True, True, False]
        assert waiting(broker) == ["a", "b"]

    def test_an_unknown_entry_has_no_ticks(self, broker: Broker) -> None:
        assert claim(ticks_of(broker), [Tick("gone", NOW, NOW + 10, publication("a"))], now=NOW) == [False]
        assert waiting(broker) == []

    def test_moments_are_kept_exactly(self, broker: Broker) -> None:
        ticks, moment = ticks_of(broker), 1_800_000_000.1234567
        ticks.states(["tidy"], now=moment)

        assert claim(ticks, [Tick("tidy", moment, moment + 0.1)], now=NOW) == [True]
        assert claim(ticks, [Tick("tidy", moment + 0.1, NOW)], now=NOW) == [True]

    def test_a_message_goes_to_its_queue_with_its_priority(self, broker: Broker) -> None:
        ticks = ticks_of(broker)
        ticks.states(["tidy"], now=NOW)

        claim(ticks, [Tick("tidy", NOW, NOW + 1, publication("a", queue="mail", priority=3))], now=NOW)

        if not ticks.publishes:
            (message,) = (one.publication for one in kept(ticks))
            assert (message.task_id, message.queue, message.priority) == ("a", "mail", 3)
            return
        (found,) = broker.admin.peek("mail")
        assert (found.task_id, found.priority) == ("a", 3)
        assert "mail" in broker.admin.queues()

    def test_a_claim_may_keep_its_message_instead(self, broker: Broker, other: Broker) -> None:
        ticks = ticks_of(broker)
        ticks.states(["tidy"], now=NOW)
        message = publication("a", queue="mail", priority=3, due=NOW + 99)
        routed = Publication("b", "tests.b", "", message.envelope, exchange="news", routing_key="sport")

        claimed = [Tick("tidy", NOW, NOW + 1, message), Tick("tidy", NOW + 1, NOW + 2, routed)]
        assert ticks.claim([*claimed, claimed[0]], now=NOW + 5, keep=True) == [True, True, False]

        assert broker.admin.peek("mail") == []
        assert broker.admin.queues() == []
        assert broker.admin.find("a") is None
        assert broker.admin.revoke("a") == set()
        assert kept(ticks_of(other)) == [Unpublished(message, NOW + 5), Unpublished(routed, NOW + 5)]
        assert ticks.states(["tidy"], now=NOW)["tidy"] == EntryState(NOW + 2, NOW + 5, 2)

    def test_a_kept_message_is_forgotten_when_it_has_been_published(
        self, broker: Broker, other: Broker
    ) -> None:
        ticks = self._with_kept(broker, "a", "b", "c")
        first, *rest = kept(ticks)

        ticks_of(other).published([first])
        ticks_of(other).published([first])
        ticks.published([])

        assert kept(ticks) == rest
        ticks.published(rest)
        assert kept(ticks) == []

    def test_the_oldest_kept_messages_come_first(self, broker: Broker) -> None:
        ticks = self._with_kept(broker, *"abcde")

        assert [one.publication.task_id for one in ticks.unpublished(limit=2)] == ["a", "b"]

    def test_a_kept_message_is_taken_over_by_one(self, broker: Broker, other: Broker) -> None:
        found = kept(self._with_kept(broker, "a", "b", "c"))

        mine = ticks_of(broker).take_over(found[:2], now=NOW + 90)
        theirs = ticks_of(other).take_over(found, now=NOW + 91)

        assert [(one.publication.task_id, one.since) for one in mine] == [("a", NOW + 90), ("b", NOW + 90)]
        assert [(one.publication.task_id, one.since) for one in theirs] == [("c", NOW + 91)]
        # Whoever was too slow does not take it from the one who publishes it now.
        ticks_of(other).published(found)
        assert kept(ticks_of(broker)) == [*mine, *theirs]

    def test_what_was_published_meanwhile_is_not_taken_over(self, broker: Broker, other: Broker) -> None:
        found = kept(self._with_kept(broker, "a"))
        ticks_of(broker).published(found)

        assert ticks_of(other).take_over(found, now=NOW + 90) == []
        assert ticks_of(other).take_over([], now=NOW + 90) == []

    def _with_kept(self, broker: Broker, *task_ids: str) -> TickStore:
        ticks = ticks_of(broker)
        ticks.states(["tidy"], now=NOW)
        for step, task_id in enumerate(task_ids):
            tick = Tick("tidy", NOW + step, NOW + step + 1, publication(task_id))
            assert ticks.claim([tick], now=NOW + step, keep=True) == [True]
        return ticks

    def test_a_paused_entry_has_no_ticks(self, broker: Broker, other: Broker) -> None:
        ticks = ticks_of(broker)
        ticks.states(["tidy"], now=NOW)

        assert ticks_of(other).pause("tidy", now=NOW)

        assert ticks.states(["tidy"], now=NOW)["tidy"].paused
        assert claim(ticks, [Tick("tidy", NOW, NOW + 10, publication("a"))], now=NOW) == [False]

    def test_a_resumed_entry_begins_anew(self, broker: Broker) -> None:
        ticks = ticks_of(broker)
        ticks.states(["tidy"], now=NOW)
        ticks.pause("tidy", now=NOW + 5)

        assert ticks.resume("tidy", now=NOW + 100)

        assert ticks.states(["tidy"], now=NOW)["tidy"] == EntryState(NOW + 100)

    def test_an_entry_that_is_not_paused_goes_on_when_it_is_resumed(self, broker: Broker) -> None:
        ticks = ticks_of(broker)
        ticks.states(["tidy"], now=NOW)

        assert ticks.resume("tidy", now=NOW + 100)
        assert ticks.states(["tidy"], now=NOW)["tidy"] == EntryState(NOW)

    def test_an_entry_that_nobody_has_seen_is_not_paused(self, broker: Broker) -> None:
        assert not ticks_of(broker).pause("gone", now=NOW)
        assert not ticks_of(broker).resume("gone", now=NOW)

    def test_an_entry_is_restarted_unless_it_has_gone_on(self, broker: Broker) -> None:
        ticks = ticks_of(broker)
        ticks.states(["tidy"], now=NOW + 9000)

        assert not ticks.restart("tidy", since=NOW, now=NOW)
        assert ticks.restart("tidy", since=NOW + 9000, now=NOW)
        assert ticks.states(["tidy"], now=0)["tidy"] == EntryState(NOW)

    def test_entries_are_made_at_run_time(self, broker: Broker, other: Broker) -> None:
        ticks_of(broker).write("tidy", b'{"task":"proj.tidy"}', now=NOW)
        ticks_of(broker).write("täglich", b"2", now=NOW)
        ticks_of(broker).write("tidy", b"1", now=NOW + 60)

        assert ticks_of(other).documents() == {"tidy": b"1", "täglich": b"2"}
        assert ticks_of(other).states(["tidy"], now=NOW + 99)["tidy"] == EntryState(NOW)

    def test_a_removed_entry_is_forgotten(self, broker: Broker) -> None:
        ticks = ticks_of(broker)
        ticks.write("tidy", b"1", now=NOW)

        assert ticks.remove("tidy")
        assert not ticks.remove("tidy")
        assert ticks.documents() == {}
        assert ticks.states(["tidy"], now=NOW + 60)["tidy"] == EntryState(NOW + 60)

    def test_changes_are_seen_by_others(self, broker: Broker, other: Broker) -> None:
        ticks, seen = ticks_of(broker), [ticks_of(other).changes()]
        for change in (
            lambda: ticks.write("tidy", b"1", now=NOW),
            lambda: ticks.pause("tidy", now=NOW),
            lambda: ticks.resume("tidy", now=NOW),
            lambda: ticks.remove("tidy"),
        ):
            change()
            seen.append(ticks_of(other).changes())

        assert seen == sorted(set(seen))

    def test_what_schedulers_do_is_no_change(self, broker: Broker) -> None:
        ticks = ticks_of(broker)
        before = ticks.changes()

        ticks.states(["tidy"], now=NOW)
        claim(ticks, [Tick("tidy", NOW, NOW + 10, publication())], now=NOW)
        ticks.restart("tidy", since=NOW + 10, now=NOW)

        assert ticks.changes() == before

    def test_schedulers_that_race_publish_each_tick_once(self, broker: Broker, other: Broker) -> None:
        names = [f"entry {number}" for number in range(20)]
        ticks_of(broker).states(names, now=NOW)
        won: list[bool] = []

        def race(store: TickStore) -> None:
            for step in range(10):
                ticks = [Tick(name, NOW + step, NOW + step + 1, publication()) for name in names]
                won.extend(claim(store, ticks, now=NOW))

        threads = [threading.Thread(target=race, args=(ticks_of(one),)) for one in (broker, other) * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert won.count(True) == len(waiting(broker)) == 200
