"""Schedules that run again when a time has passed."""

import pickle
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from celery import schedules as celerys

from sedano.schedules import ParseException, schedule

NOON = datetime(2026, 5, 1, 12, 0, 7, 250_000, tzinfo=UTC)
HOUR = timedelta(hours=1)


class InZone:
    """As much of an application as a schedule asks for."""

    def __init__(self, zone: str) -> None:
        self.timezone: tzinfo = ZoneInfo(zone)
        self.conf: Any = None

    def now(self) -> datetime:
        return NOON


def rounded(every: timedelta, start: str, *, zone: str) -> str:
    """The local time that follows a local time under a relative schedule."""
    begin = datetime.fromisoformat(start)
    assert begin.tzinfo is not None
    found = schedule(every, relative=True, app=InZone(zone)).next_after(begin)
    assert found is not None
    return found.astimezone(ZoneInfo(zone)).isoformat()


def test_the_interval_begins_at_the_moment_asked_about() -> None:
    assert schedule(90).next_after(NOON) == NOON + timedelta(seconds=90)


def test_an_hour_is_an_hour_when_clocks_change() -> None:
    rome = ZoneInfo("Europe/Rome")
    before = datetime(2026, 3, 29, 1, 30, tzinfo=rome)

    found = schedule(HOUR).next_after(before)

    assert found == datetime(2026, 3, 29, 3, 30, tzinfo=rome)
    assert found.tzinfo is UTC


def test_a_missed_interval_is_due_and_the_next_one_begins_now() -> None:
    every = schedule(60, nowfun=lambda: NOON)

    assert every.is_due(NOON - timedelta(hours=3)) == (True, 60)
    assert every.is_due(NOON - timedelta(seconds=60)) == (True, 60)
    assert every.is_due(NOON - timedelta(seconds=45)) == (False, 15)
    assert every.remaining_estimate(NOON - timedelta(seconds=70)) == timedelta(seconds=-10)


def test_naive_moments_are_in_utc() -> None:
    every = schedule(60, nowfun=lambda: NOON.replace(tzinfo=None))

    assert every.is_due(NOON.replace(tzinfo=None) - timedelta(seconds=45)) == (False, 15)


def test_a_moment_without_a_zone_has_no_next_one() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        schedule(60).next_after(NOON.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("every", "start", "expected"),
    [
        (timedelta(days=1), "2026-05-01T12:40:07+02:00", "2026-05-02T00:00:00+02:00"),
        (timedelta(days=2), "2026-05-01T00:00:00+02:00", "2026-05-03T00:00:00+02:00"),
        (HOUR, "2026-05-01T12:40:07+02:00", "2026-05-01T13:00:00+02:00"),
        (HOUR, "2026-05-01T13:00:00+02:00", "2026-05-01T14:00:00+02:00"),
        (timedelta(minutes=5), "2026-05-01T12:40:07+02:00", "2026-05-01T12:45:00+02:00"),
        (timedelta(seconds=30), "2026-05-01T12:40:07.5+02:00", "2026-05-01T12:40:37+02:00"),
        (timedelta(seconds=0.2), "2026-05-01T12:40:07.5+02:00", "2026-05-01T12:40:07.700000+02:00"),
        # Clocks are put forward: from 02:00 to 03:00.
        (timedelta(days=1), "2026-03-28T12:00:00+01:00", "2026-03-29T00:00:00+01:00"),
        (timedelta(days=1), "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"),
        (HOUR, "2026-03-29T01:20:00+01:00", "2026-03-29T03:00:00+02:00"),
        # Clocks are put back: from 03:00 to 02:00.
        (timedelta(days=1), "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"),
        (HOUR, "2026-10-25T01:00:00+02:00", "2026-10-25T02:00:00+02:00"),
        (HOUR, "2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"),
        (HOUR, "2026-10-25T02:00:00+01:00", "2026-10-25T03:00:00+01:00"),
    ],
)
def test_a_relative_interval_ends_on_the_clocks_own_marks(
    every: timedelta, start: str, expected: str
) -> None:
    assert rounded(every, start, zone="Europe/Rome") == expected


def test_a_midnight_that_does_not_exist_is_the_end_of_the_gap() -> None:
    # São Paulo's clocks went from 00:00 to 01:00.
    start = "2018-11-03T09:00:00-03:00"

    assert rounded(timedelta(days=1), start, zone="America/Sao_Paulo") == "2018-11-04T01:00:00-02:00"


def test_where_rounding_would_lead_back_the_interval_is_exact() -> None:
    # Lord Howe's clocks go from 02:00 back to 01:30: an hour after 01:10 they show 01:40.
    start = "2026-04-05T01:10:00+11:00"

    assert rounded(HOUR, start, zone="Australia/Lord_Howe") == "2026-04-05T01:40:00+10:30"


def test_the_end_of_the_calendar_has_no_further_run() -> None:
    assert schedule(timedelta.max).next_after(NOON) is None
    assert schedule(timedelta.max, nowfun=lambda: NOON).is_due(NOON) == (False, None)
    assert schedule(1, relative=True).next_after(datetime.max.replace(tzinfo=UTC)) is None


@pytest.mark.parametrize("never", [0, -1, timedelta(0), timedelta(days=-1), float("inf"), float("nan")])
def test_an_interval_is_more_than_nothing(never: float | timedelta) -> None:
    with pytest.raises(ParseException, match="run_every: "):
        schedule(never)


@pytest.mark.parametrize("other", [None, "60", True])
def test_an_interval_is_seconds_or_a_timedelta(other: Any) -> None:
    with pytest.raises(TypeError, match="run_every: expected seconds or a timedelta, got"):
        schedule(other)


def test_an_interval_is_a_value() -> None:
    one, same = schedule(60), schedule(timedelta(minutes=1))

    assert one == same == timedelta(minutes=1)
    assert hash(one) == hash(same) == hash(timedelta(minutes=1))
    assert one not in (schedule(61), schedule(60, relative=True), timedelta(minutes=2), 60)
    copy = pickle.loads(pickle.dumps(schedule(60, relative=True)))  # noqa: S301
    assert copy == schedule(60, relative=True)


@pytest.mark.parametrize("seconds", [0.001, 0.5, 1, 1.004, 30, 59.999, 60, 90, 3600, 5400, 86_400, 1_000_000])
def test_it_is_worded_as_celery_words_it(seconds: float) -> None:
    theirs = celerys.schedule(seconds)

    assert repr(schedule(seconds)) == repr(theirs)
    assert schedule(seconds).human_seconds == theirs.human_seconds
    assert schedule(seconds).seconds == theirs.seconds


@pytest.mark.parametrize(
    ("every", "words"),
    [
        (0.5, "every 0.5 seconds"),
        (1, "every second"),
        (90, "every 90 seconds"),
        (60, "every minute"),
        (300, "every 5 minutes"),
        (timedelta(hours=2), "every 2 hours"),
        (timedelta(days=1), "every day"),
        (timedelta(weeks=2), "every 14 days"),
    ],
)
def test_it_has_words(every: float | timedelta, words: str) -> None:
    assert schedule(every).human_readable == words
