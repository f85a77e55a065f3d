"""How long those who wait for results put up with a store that does not answer."""

import pytest

from sedano.errors import ResultStoreUnavailable
from sedano.results.patience import LONGEST_OUTAGE, Patience
from sedano.testing.clock import ManualClock


def patience(clock: ManualClock, timeout: float | None) -> Patience:
    return Patience(timeout, monotonic=clock.monotonic, sleep=clock.advance)


def outlast_all(patience: Patience) -> int:
    """Meet failures until one is raised; how many were outlasted."""
    error = ResultStoreUnavailable("away")
    outlasted = 0
    with pytest.raises(ResultStoreUnavailable) as caught:
        while True:
            patience.outlast(error)
            outlasted += 1
    assert caught.value is error
    return outlasted


def test_a_store_that_is_away_is_asked_again_until_the_time_is_up() -> None:
    clock = ManualClock()
    began = clock.monotonic()

    outlasted = outlast_all(patience(clock, 60.0))

    assert clock.monotonic() - began == pytest.approx(60.0)
    assert 60 < outlasted < 600


def test_who_would_wait_for_ever_gives_up_after_a_long_outage() -> None:
    clock = ManualClock()
    endless = patience(clock, None)
    clock.advance(1000)
    began = clock.monotonic()

    outlast_all(endless)

    assert endless.left is None
    assert clock.monotonic() - began == pytest.approx(LONGEST_OUTAGE)


def test_each_outage_is_counted_from_its_own_beginning() -> None:
    clock = ManualClock()
    endless = patience(clock, None)
    endless.outlast(ResultStoreUnavailable("away"))
    clock.advance(LONGEST_OUTAGE - 2)
    endless.end_outage()
    clock.advance(5)
    began = clock.monotonic()

    outlast_all(endless)

    assert clock.monotonic() - began == pytest.approx(LONGEST_OUTAGE)


def test_without_any_time_the_first_failure_counts() -> None:
    assert outlast_all(patience(ManualClock(), 0.0)) == 0


def test_the_error_says_how_long_the_store_was_away() -> None:
    clock = ManualClock()
    error = ResultStoreUnavailable("away")
    waiting = patience(clock, 2.0)

    with pytest.raises(ResultStoreUnavailable):
        while True:
            waiting.outlast(error)

    assert error.__notes__ == ["It has not answered for 2.0 s."]
