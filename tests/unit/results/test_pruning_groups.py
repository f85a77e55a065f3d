"""What is kept of groups and chords goes when its time is over, where the store itself has to see to that."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sedano.results.group_store import ChordEnd
from sedano.results.memory_store import MemoryResultStore
from sedano.results.result_write import ResultWrite
from sedano.results.sqlite.store import SqliteResultStore
from sedano.results.store import ResultStore
from sedano.sql.sqlite_location import SqliteLocation
from sedano.testing.clock import ManualClock
from sedano.testing.group_store_cases import part

TABLES = ("sedano_group", "sedano_chord", "sedano_chord_part")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "queue.db"


@pytest.fixture(params=["memory", "sqlite"])
def results(request: pytest.FixtureRequest, file: Path, clock: ManualClock) -> Iterator[ResultStore]:
    if request.param == "memory":
        yield MemoryResultStore(clock=clock)
        return
    store = SqliteResultStore(SqliteLocation(path=file), clock=clock)
    yield store
    store.close()


def test_expired_groups_and_chords_are_pruned_in_bites(
    results: ResultStore, clock: ManualClock, file: Path
) -> None:
    soon = clock.timestamp() + 10
    results.put([ResultWrite("a", "SUCCESS", b"", soon)])
    for number in range(3):
        group_id = f"g{number}"
        results.groups.save(group_id, b"group", expires_at=soon)
        results.groups.begin_chord(group_id, 5, expires_at=soon)
        results.groups.add_parts([part(f"task {n}", n, group_id=group_id, expires_at=soon) for n in range(4)])
    clock.advance(11)

    bites = [results.prune(limit=2)]
    while bites[-1]:
        bites.append(results.prune(limit=2))

    assert max(bites) == 2
    assert sum(bites) >= 1 + 3 + 3
    assert rows_in(file) == 0


def test_what_is_kept_for_good_is_not_pruned(results: ResultStore, clock: ManualClock) -> None:
    results.groups.save("g", b"group", expires_at=None)
    results.groups.begin_chord("g", 2, expires_at=None)
    results.groups.add_parts([part("a", 0, expires_at=None)])
    clock.advance(1e9)

    assert results.prune() == 0

    assert results.groups.get("g") == b"group"
    assert results.groups.add_parts([part("b", 1, expires_at=None)]) == [True]


def test_of_a_chord_that_has_ended_only_its_end_is_kept_and_not_for_long(
    results: ResultStore, clock: ManualClock, file: Path
) -> None:
    results.groups.begin_chord("g", 1, expires_at=None)
    results.groups.add_parts([part("a", expires_at=None)])
    results.groups.end_chord(ChordEnd("g", part("a").member))
    assert rows_in(file) <= 1

    clock.advance(400)

    assert results.prune() == 1
    assert rows_in(file) == 0


def test_a_chord_that_was_extended_and_never_begins_is_pruned(
    results: ResultStore, clock: ManualClock, file: Path
) -> None:
    results.groups.extend_chord("g", 1)
    clock.advance(3600)
    assert results.prune() == 0

    clock.advance(24 * 3600)

    assert results.prune() == 1
    assert rows_in(file) == 0


def test_a_chord_that_expired_and_was_not_pruned_yet_begins_anew(
    results: ResultStore, clock: ManualClock
) -> None:
    soon = clock.timestamp() + 10
    results.groups.begin_chord("g", 2, expires_at=soon)
    results.groups.extend_chord("g", 1)
    results.groups.add_parts([part("a", 0, expires_at=soon)])
    clock.advance(11)

    results.groups.begin_chord("g", 2, expires_at=None)

    assert results.groups.add_parts([part("b", 1), part("c", 2)]) == [False, True]


def test_a_chord_that_has_expired_is_nobodys_to_end(results: ResultStore, clock: ManualClock) -> None:
    soon = clock.timestamp() + 10
    results.groups.begin_chord("g", 1, expires_at=soon)
    assert results.groups.add_parts([part("a", expires_at=soon)]) == [True]
    clock.advance(11)

    assert not results.groups.may_end(ChordEnd("g", part("a").member))


def rows_in(file: Path) -> int:
    """Rows about groups and chords; none where there is no file."""
    if not file.exists():
        return 0
    with closing(sqlite3.connect(file)) as connection:
        return sum(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES)
