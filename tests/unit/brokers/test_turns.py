"""Who may start now, and when the others are to come back."""

from collections import Counter

import pytest

from sedano.brokers.turns import CLOCKS_AGREE, FARTHEST, TOGETHER, Turns

NOW = 1_000_000.0


def take(turns: Turns, count: int, *, at: float = 0.0, seconds: float = 1.0, most: int = 1000) -> list[float]:
    """The turns, as seconds from the beginning; 0 for those that may start."""
    return [due and due - NOW for due in turns.take(NOW + at, seconds, count, most=most)]


def test_the_first_may_start_and_the_others_come_one_after_the_other() -> None:
    assert take(Turns(), 4) == [0.0, 1.0, 2.0, 3.0]


def test_who_comes_at_its_time_may_start() -> None:
    turns = Turns()
    take(turns, 3)

    assert [take(turns, 1, at=at) for at in (1.0, 2.0)] == [[0.0], [0.0]]


def test_who_comes_later_is_sent_behind_those_that_were_sent_before() -> None:
    turns = Turns()
    take(turns, 3)

    assert take(turns, 2, at=0.1) == [3.0, 4.0]


def test_coming_a_little_late_costs_nobody_the_next_turn() -> None:
    turns = Turns()
    take(turns, 5)

    late = [take(turns, 1, at=at) for at in (1.4, 2.1, 3.3, 4.0)]

    assert late == [[0.0]] * 4


def test_at_high_rates_a_few_may_start_at_once() -> None:
    turns = Turns()

    assert take(turns, 100, seconds=0.003).count(0.0) == 7
    assert take(turns, 100, at=0.1, seconds=0.003).count(0.0) == 7


def test_time_in_which_nobody_came_is_not_saved_up() -> None:
    turns = Turns()
    take(turns, 1)

    assert take(turns, 3, at=1000.0) == [0.0, 1001.0, 1002.0]


def test_no_more_start_than_there_are_places_for() -> None:
    turns = Turns()

    assert take(turns, 3, most=0) == [0.0, 1.0, 2.0]  # at once, and then one after the other
    assert turns.next_start == 0.0


def test_at_high_rates_several_come_back_together() -> None:
    away = Counter(round(due, 3) for due in take(Turns(), 100, seconds=0.001)[40:])

    assert {round(due % TOGETHER, 3) for due in away} <= {0.0, TOGETHER}
    assert list(away.values())[1:-1] == [5] * (len(away) - 2)


def test_turns_that_nobody_took_are_given_again() -> None:
    turns = Turns()
    take(turns, 100)

    assert take(turns, 2, at=1.5) == [0.0, 100.0]
    assert take(turns, 2, at=6.0) == [0.0, 7.0]


def test_nobody_is_sent_away_for_longer_than_the_farthest() -> None:
    turns = Turns()

    away = take(turns, 2000)

    # So many have turns of their own; the others come back spread over the second half, to be asked again.
    own, others = away[1 : int(FARTHEST) + 1], away[int(FARTHEST) + 1 :]
    assert own == [float(n) for n in range(1, int(FARTHEST) + 1)]
    assert [min(others), max(others)] == [FARTHEST / 2, FARTHEST]
    assert len(set(others)) == FARTHEST / 2 + 1  # in whole seconds: many at a time
    assert take(turns, 1, at=1.5, most=0) == [FARTHEST + 1]


def test_the_next_turn_of_a_slow_task_is_never_too_far() -> None:
    assert take(Turns(), 2, seconds=3600.0) == [0.0, 3600.0]


def test_a_clock_that_was_set_back_does_not_stop_the_task() -> None:
    turns = Turns()
    take(turns, 10, at=86_400.0)

    assert take(turns, 2) == [0.0, 1.0]


def test_another_node_whose_clock_differs_a_little_waits_for_its_turn() -> None:
    turns = Turns()
    take(turns, 1, at=CLOCKS_AGREE - 1)

    assert take(turns, 1) == [CLOCKS_AGREE]


def test_a_limit_that_was_raised_holds_at_once() -> None:
    turns = Turns()
    take(turns, 10, seconds=3600.0)

    assert take(turns, 2, at=1.0, seconds=0.1) == [0.0, pytest.approx(1.1)]
