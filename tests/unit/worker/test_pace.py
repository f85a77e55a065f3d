"""How long tasks take, as the parent learns it."""

from sedano.worker.pace import ENDLESS, Pace


def test_a_task_that_never_ran_is_not_taken_for_short() -> None:
    pace = Pace()

    assert pace.expected("new") == ENDLESS
    assert pace.average("new") is None


def test_a_quick_run_makes_a_task_short_and_a_slow_one_ends_that() -> None:
    pace = Pace()

    pace.note("t", 0.0001)
    assert pace.expected("t") < ENDLESS

    pace.note("t", 1.0)
    assert pace.expected("t") == ENDLESS


def test_a_task_that_has_become_quick_is_short_again_after_some_runs() -> None:
    pace = Pace()
    pace.note("t", 1.0)

    for _ in range(80):
        pace.note("t", 0.0001)

    assert pace.expected("t") < ENDLESS


def test_nothing_is_claimed_ahead_before_the_first_run() -> None:
    assert Pace().look_ahead(2, horizon=0.05, most=500) == 2


def test_short_tasks_are_claimed_ahead_and_long_ones_are_not() -> None:
    short, medium, long = Pace(), Pace(), Pace()
    short.note("t", 0.0001)
    medium.note("t", 0.01)
    long.note("t", 1.0)

    assert short.look_ahead(2, horizon=0.05, most=500) == 500
    assert 2 < medium.look_ahead(2, horizon=0.05, most=500) <= 10
    assert long.look_ahead(2, horizon=0.05, most=500) == 2
