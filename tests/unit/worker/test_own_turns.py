"""The turns of a task whose limit each node keeps for itself."""

import pytest

from sedano.brokers.turns import FARTHEST
from sedano.worker.own_turns import NEAREST, OwnTurns

NOW = 1_000_000.0


def give(
    turns: OwnTurns, count: int, *, at: float = 0.0, seconds: float = 1.0, most: int = 10**9
) -> list[float]:
    """The turns, as seconds from the beginning; 0 for those that may start."""
    given = turns.give(NOW + at, seconds, count, most=most)
    return [due and due - NOW for due in given]


def test_two_are_sent_to_each_turn() -> None:
    assert give(OwnTurns(), 4) == [0.0, 1.0, 1.5, 2.0]


def test_only_one_starts_at_each_turn() -> None:
    turns = OwnTurns()
    give(turns, 4)

    assert give(turns, 2, at=1.5) == [0.0, 2.5]


def test_while_few_wait_they_come_back_soon() -> None:
    assert max(give(OwnTurns(), 100, seconds=0.1)) <= NEAREST


def test_of_many_so_many_a_second_come_back() -> None:
    away = give(OwnTurns(), 10_000, seconds=0.1)

    assert max(away) == pytest.approx(10_000 / 100, abs=1)


def test_of_very_many_none_is_sent_away_for_longer_than_the_farthest() -> None:
    assert max(give(OwnTurns(), 200_000, seconds=0.1)) == FARTHEST


def test_a_slow_tasks_messages_come_back_at_its_next_turns() -> None:
    assert give(OwnTurns(), 3, seconds=3600.0) == [0.0, 3600.0, 5400.0]


def test_those_that_came_back_are_not_counted_twice() -> None:
    turns = OwnTurns()
    give(turns, 10_000, seconds=0.1)

    away = give(turns, 9_000, at=101, seconds=0.1, most=0)

    assert max(away) == pytest.approx(101 + 9_000 / 100, abs=1)


def test_those_that_are_still_away_are_counted_with_those_that_come() -> None:
    turns = OwnTurns()
    give(turns, 10_000, seconds=0.1)

    away = give(turns, 5_000, seconds=0.1, most=0)

    assert max(away) == pytest.approx(15_000 / 100, abs=1)
