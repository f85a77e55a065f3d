"""A schedule of a single run."""

import pickle
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sedano.scheduler.schedule import NEVER
from sedano.schedules import clocked

HALF_PAST_NINE = datetime(2026, 10, 1, 9, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def at(now: datetime) -> clocked:
    """The schedule, with a clock that stands at a moment."""
    return clocked(HALF_PAST_NINE, nowfun=lambda: now)


def test_it_is_due_once() -> None:
    schedule = clocked(HALF_PAST_NINE)

    assert schedule.next_after(HALF_PAST_NINE - SECOND) == HALF_PAST_NINE
    assert schedule.next_after(HALF_PAST_NINE) is None


def test_until_its_moment_it_is_waited_for() -> None:
    early = at(HALF_PAST_NINE - 90 * SECOND)

    assert early.is_due(None) == early.is_due(HALF_PAST_NINE - timedelta(days=1)) == (False, 90)
    assert early.remaining_estimate(None) == 90 * SECOND


def test_from_its_moment_on_it_is_due_and_then_never_again() -> None:
    late = at(HALF_PAST_NINE + SECOND)

    assert late.is_due(None) == late.is_due(HALF_PAST_NINE - SECOND) == (True, None)
    assert late.remaining_estimate(None) == -SECOND


def test_when_it_has_run_it_is_never_due() -> None:
    late = at(HALF_PAST_NINE + SECOND)

    assert late.is_due(HALF_PAST_NINE + SECOND) == (False, None)
    assert late.remaining_estimate(HALF_PAST_NINE) == NEVER


def test_a_moment_may_be_told_in_any_zone_and_a_naive_one_is_in_utc() -> None:
    rome = HALF_PAST_NINE.astimezone(ZoneInfo("Europe/Rome"))

    assert clocked(rome) == clocked(HALF_PAST_NINE) == clocked(HALF_PAST_NINE.replace(tzinfo=None))
    assert clocked(rome).next_after(HALF_PAST_NINE - SECOND) == HALF_PAST_NINE


def test_only_a_moment_will_do() -> None:
    with pytest.raises(TypeError, match="clocked_time: expected a datetime, got '09:30'"):
        clocked("09:30")  # type: ignore[arg-type]


def test_it_is_a_value() -> None:
    one, same, other = clocked(HALF_PAST_NINE), clocked(HALF_PAST_NINE), clocked(HALF_PAST_NINE + SECOND)

    assert one == same
    assert hash(one) == hash(same)
    assert one not in (other, HALF_PAST_NINE)
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301
    assert repr(one) == "<clocked: 2026-10-01 09:30:00+00:00>"
