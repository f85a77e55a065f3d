"""Crontabs against two oracles: a clock that is watched minute by minute, and real Celery.

Where Sedano and Celery 5.7 differ on purpose:

- A repeated hour in autumn: Celery's crontab for every hour or every minute lets the second showing pass
  without a run; ours runs in both.
- A local time that is left out in spring: Celery runs as late as the time would have been (02:30 at 03:30),
  ours at the end of the gap (at 03:00).
- A last run during the second showing: Celery goes on with that showing's times, ours have run at the first.
- Fields: names only in the field that they belong to (Celery reads ``minute='jan'`` as 1), nothing that is
  half read (Celery reads ``'*/15-20'`` as ``'*/15'``, ``'1-5-7'`` as ``'1-5'``), no underscores in numbers.
"""

import functools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import celery
import pytest
from celery import schedules as celerys
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sedano.schedules import ParseException, crontab, schedule

MINUTE: Final = timedelta(minutes=1)

#: No limit to the time of one example: other work may share the machine.
unhurried = settings(deadline=None)

#: Changes of an hour, of half an hour and of two; at midnight and a minute after; whole days left out.
ZONES: Final = (
    "America/New_York",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "Asia/Kolkata",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Europe/Dublin",
    "Europe/Rome",
    "Pacific/Apia",
    "UTC",
)

FIELDS: Final = {
    "minute": (0, 59),
    "hour": (0, 23),
    "day_of_week": (0, 6),
    "day_of_month": (1, 31),
    "month_of_year": (1, 12),
}
NAMES: Final = {
    "day_of_week": ["sun", "Monday", "TUE", "wednesday", "thurs", "fri", "sat"],
    "month_of_year": [
        "jan",
        "February",
        "mar",
        "APR",
        "may",
        "june",
        "jul",
        "aug",
        "sept",
        "oct",
        "nov",
        "dec",
    ],
}


@functools.cache
def clock_changes(zone: str) -> list[datetime]:
    """The days from 2005 to 2031 before which the zone's clock was changed."""
    days = [datetime(2005, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(26 * 365)]
    offsets = [day.astimezone(ZoneInfo(zone)).utcoffset() for day in days]
    return [days[place] for place in range(1, len(days)) if offsets[place] != offsets[place - 1]]


@st.composite
def values(draw: st.DrawFn, field: str) -> str:
    first, last = FIELDS[field]
    numbers = st.integers(first, last).map(str)
    return draw(numbers | st.sampled_from(NAMES[field]) if field in NAMES else numbers)


@st.composite
def parts(draw: st.DrawFn, field: str) -> str:
    part = draw(st.sampled_from(["*", "{}", "{}", "{}-{}"])).format(draw(values(field)), draw(values(field)))
    if part == "*" or "-" in part:
        return part + draw(st.just("") | st.integers(1, 40).map("/{}".format))
    return part


def texts(field: str) -> st.SearchStrategy[str]:
    return st.lists(parts(field), min_size=1, max_size=3).map(",".join)


@st.composite
def crontabs(draw: st.DrawFn, zone: str = "UTC") -> crontab:
    """Crontabs of all sorts; most of them are due at night, when clocks are changed."""
    minutes = st.sampled_from(["*", "*/15", "0", "30", "1-59/2"]) | texts("minute")
    hours = st.sampled_from(["*", "*/2", "0", "1", "2", "3", "0-4", "1,2"]) | texts("hour")
    days = [st.just("*") | texts(field) for field in ("day_of_week", "day_of_month", "month_of_year")]
    try:
        return crontab(draw(minutes), draw(hours), *[draw(day) for day in days], tz=zone)
    except ParseException as error:
        assert "is ever" in str(error)
        assume(False)
        raise


@st.composite
def nightly(draw: st.DrawFn, zone: str) -> crontab:
    """Crontabs that are due every day."""
    one = draw(crontabs(zone))
    return crontab(one.minute, one.hour, tz=zone)


@st.composite
def moments_near_changes(draw: st.DrawFn, zone: str) -> datetime:
    day = draw(st.sampled_from(clock_changes(zone) or [datetime(2024, 2, 29, tzinfo=UTC)]))
    return day + timedelta(minutes=draw(st.integers(-2_000, 500)), seconds=draw(st.integers(0, 59)))


def watch(due: crontab, begin: datetime, end: datetime) -> Iterator[datetime]:
    """When the crontab is due, found by watching its zone's clock for whole minutes."""
    moment = begin.replace(second=0, microsecond=0)
    before = moment.astimezone(due.tz)
    while moment < end:
        moment += MINUTE
        now = moment.astimezone(due.tz)
        named = names(due, now) and (now.fold == 0 or due_at_both_showings(due))
        made_up = len(due.hour) < 24 and any(names(due, missing) for missing in left_out(before, now))
        if named or made_up:
            yield moment
        before = now


def names(due: crontab, time: datetime) -> bool:
    return (
        time.minute in due.minute
        and time.hour in due.hour
        and time.isoweekday() % 7 in due.day_of_week
        and time.day in due.day_of_month
        and time.month in due.month_of_year
    )


def due_at_both_showings(due: crontab) -> bool:
    return len(due.hour) == 24 or len(due.minute) == 60


def left_out(before: datetime, now: datetime) -> Iterator[datetime]:
    missing = before.replace(tzinfo=None) + MINUTE
    while missing < now.replace(tzinfo=None):
        yield missing
        missing += MINUTE


@unhurried
@given(st.data(), st.sampled_from(ZONES))
def test_the_next_moment_is_the_one_that_watching_the_clock_finds(data: st.DataObject, zone: str) -> None:
    due = data.draw(nightly(zone) | crontabs(zone))
    moment = data.draw(moments_near_changes(zone))

    end = moment + timedelta(days=3)
    expected = next((found for found in watch(due, moment, end) if found > moment), None)

    found = due.next_after(moment)
    assert found is not None
    assert found == expected if expected is not None else found > end


@unhurried
@given(st.data(), st.sampled_from(ZONES))
def test_no_due_moment_is_left_out_however_often_one_asks(data: st.DataObject, zone: str) -> None:
    due = data.draw(crontabs(zone))
    moment = data.draw(moments_near_changes(zone))
    later = moment + data.draw(st.timedeltas(timedelta(0), timedelta(days=2)))

    first, second = due.next_after(moment), due.next_after(later)

    assert first is not None
    assert second is not None
    assert moment < first <= second
    assert first == second or first <= later


@unhurried
@given(st.data(), st.sampled_from(sorted(FIELDS)))
def test_a_field_is_read_as_celery_reads_it(data: st.DataObject, field: str) -> None:
    text = data.draw(texts(field))

    first, last = FIELDS[field]
    expected = celerys.crontab_parser(last - first + 1, first).parse(text)

    # A month that has every day, beside a day that every month has.
    assert getattr(crontab(**{"month_of_year": 1, "day_of_month": 1, field: text}), field) == expected


@unhurried
@given(st.sampled_from(sorted(FIELDS)), st.text("0123456789-*/,afijmnor", max_size=8))
def test_what_is_read_at_all_is_read_as_celery_reads_it(field: str, text: str) -> None:
    first, last = FIELDS[field]
    try:
        read = getattr(crontab(**{"month_of_year": 1, "day_of_month": 1, field: text}), field)
    except ParseException:
        return

    assert read == celerys.crontab_parser(last - first + 1, first).parse(text)


@pytest.mark.parametrize(
    "fields",
    [
        {"minute": "jan"},
        {"hour": "mon"},
        {"day_of_week": "march"},
        {"month_of_year": "tue"},
        {"minute": "*/15-20"},
        {"minute": "1-5-7"},
        {"minute": "1_0"},
        {"minute": "1-5/1/2"},
    ],
)
def test_what_celery_half_reads_is_refused(fields: dict[str, str]) -> None:
    celerys.crontab(**fields)

    with pytest.raises(ParseException, match=next(iter(fields))):
        crontab(**fields)


class CelerysClock:
    """A Celery application in a zone, and the moment that its schedules take for the present."""

    def __init__(self, zone: str, now: datetime) -> None:
        self.app = celery.Celery(set_as_current=False)
        self.app.conf.timezone = zone
        self._now = now

    def now(self) -> datetime:
        return self._now

    def crontab(self, ours: crontab) -> celerys.crontab:
        minute, hour, day_of_month, month_of_year, day_of_week = ours.expression.split()
        return celerys.crontab(
            minute, hour, day_of_week, day_of_month, month_of_year, nowfun=self.now, app=self.app
        )


def changes_between(zone: str, begin: datetime, end: datetime) -> bool:
    """Whether the zone's clock is changed in these days or in those around them."""
    day = timedelta(days=1)
    return any(begin - day <= change <= end + 2 * day for change in clock_changes(zone))


moments = st.timedeltas(timedelta(0), timedelta(days=730)).map(
    lambda since: datetime(2024, 1, 1, tzinfo=UTC) + since
)


@unhurried
@given(st.data(), st.sampled_from(ZONES), moments)
def test_a_year_of_runs_is_celerys(data: st.DataObject, zone: str, moment: datetime) -> None:
    ours = data.draw(crontabs(zone))
    clock = CelerysClock(zone, moment)
    theirs = clock.crontab(ours)
    ours.nowfun = clock.now

    for _ in range(12):
        found = ours.next_after(moment)
        assert found is not None
        if not changes_between(zone, moment, found):
            assert clock.now() + theirs.remaining_estimate(moment) == found
            assert ours.remaining_estimate(moment) == theirs.remaining_estimate(moment)
        moment = found + data.draw(st.timedeltas(timedelta(0), timedelta(days=31)))


@unhurried
@given(st.data(), st.sampled_from(ZONES), moments)
def test_what_is_due_is_what_celery_finds_due(data: st.DataObject, zone: str, last: datetime) -> None:
    now = last + data.draw(st.timedeltas(timedelta(0), timedelta(days=1)))
    clock = CelerysClock(zone, now)
    ours = data.draw(crontabs(zone))
    ours.nowfun = clock.now
    ours.app = clock.app
    clock.app.conf.beat_cron_starting_deadline = data.draw(st.none() | st.integers(0, 90_000))

    state = ours.is_due(last)

    assume(state.next is not None and not changes_between(zone, last, now + timedelta(seconds=state.next)))
    assert state == clock.crontab(ours).is_due(last)


@unhurried
@given(
    st.data(),
    st.sampled_from(ZONES),
    moments,
    st.booleans(),
    st.timedeltas(timedelta(milliseconds=1), timedelta(days=40)),
)
def test_an_interval_is_due_when_celery_finds_it_due(
    data: st.DataObject, zone: str, last: datetime, relative: bool, every: timedelta
) -> None:
    last = last.astimezone(ZoneInfo(zone))
    now = last + data.draw(st.timedeltas(timedelta(0), timedelta(days=60)))
    clock = CelerysClock(zone, now)
    ours = schedule(every, relative, nowfun=clock.now, app=clock.app)
    theirs = celerys.schedule(every, relative, nowfun=clock.now, app=clock.app)
    # Of less than a minute, Celery's rounding may lead back to the run before; ours never does.
    assume(not relative or every >= MINUTE)
    assume(not changes_between(zone, last, now + every))

    assert ours.remaining_estimate(last) == theirs.remaining_estimate(last)
    assert ours.is_due(last) == theirs.is_due(last)
