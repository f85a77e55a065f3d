"""Entries that say from when on they count."""

from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from sedano.beat.beginnings import states_of
from sedano.beat.entry import Entry, read_entry
from sedano.brokers.memory.broker import MemoryBroker
from sedano.brokers.ticks import Tick, TickStore

NOW = 1_000_000.0


@pytest.fixture
def ticks() -> TickStore:
    return MemoryBroker().ticks


def entry(counts_from: float | None) -> Entry:
    return replace(read_entry("tidy", {"task": "t", "schedule": 30}, app=None), counts_from=counts_from)


def since(ticks: TickStore, counts_from: float | None, now: float = NOW) -> float:
    return states_of(ticks, [entry(counts_from)], now=now)["tidy"].since


def test_a_new_entry_begins_where_it_says(ticks: TickStore) -> None:
    assert since(ticks, NOW - 60) == NOW - 60
    assert ticks.states(["tidy"], now=NOW + 1)["tidy"].since == NOW - 60


def test_a_new_entry_that_says_nothing_begins_now(ticks: TickStore) -> None:
    assert since(ticks, None) == NOW


def test_an_entry_that_was_seen_goes_on_from_its_last_run(ticks: TickStore) -> None:
    ticks.states(["tidy"], now=NOW - 10)

    assert since(ticks, NOW - 60) == NOW - 10


def test_an_entry_that_was_changed_since_its_last_run_begins_anew(ticks: TickStore) -> None:
    ticks.states(["tidy"], now=NOW - 60)

    assert since(ticks, NOW - 10) == NOW - 10


@dataclass
class Quicker:
    """A store in which somebody else claims a tick whenever one has looked."""

    ticks: TickStore

    def states(self, entries, *, now):
        found = self.ticks.states(entries, now=now)
        for name, state in found.items():
            assert self.ticks.claim([Tick(name, state.since, state.since + 1)], now=now) == [True]
        return found

    def restart(self, entry, *, since, now):
        return self.ticks.restart(entry, since=since, now=now)


def test_an_entry_that_somebody_else_has_just_run_is_left_alone(ticks: TickStore) -> None:
    since(Quicker(ticks), NOW - 60)

    assert ticks.states(["tidy"], now=NOW)["tidy"].since == NOW + 1
