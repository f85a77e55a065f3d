"""A year of crontabs beside real Celery's, in several zones; and where the two differ on purpose."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import celery
import pytest
from celery import schedules as celerys

from sedano.schedules import crontab

BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
END: Final = datetime(2027, 1, 1, tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)
DAY: Final = timedelta(days=1)

#: The days of 2026 on which the clock is changed.
ZONES: Final = {
    "UTC": (),
    "Asia/Kolkata": (),
    "Europe/Rome": ("2026-03-29", "2026-10-25"),
    "America/New_York": ("2026-03-08", "2026-11-01"),
    "Australia/Lord_Howe": ("2026-04-05", "2026-10-04"),
}

LINES: Final = (
    "30 2 * * *",
    "0 8 * * mon-fri",
    "15 10,22 1-7 * *",
    "0 */6 * * *",
    "5 4 31 * *",
    "0 0 29 2 *",
    "*/20 9-11 * jan,jul tue,thu",
    "59 23 * */3 sun",
    "0 * * * sat",
)


class Beside:
    """A crontab of each, which take the same moment for the present."""

    def __init__(self, line: str, zone: str) -> None:
        app = celery.Celery(set_as_current=False)
        app.conf.timezone = zone
        minute, hour, day_of_month, month_of_year, day_of_week = line.split()
        self.now = BEGIN
        self.ours = crontab.from_string(line, nowfun=lambda: self.now, tz=zone)
        self.theirs = celerys.crontab(
            minute, hour, day_of_week, day_of_month, month_of_year, nowfun=lambda: self.now, app=app
        )

    def next_of_theirs(self, moment: datetime) -> datetime:
        self.now = moment
        return moment + self.theirs.remaining_estimate(moment)


def runs(beside: Beside) -> Iterator[tuple[datetime, datetime]]:
    """Each run of the year, and the moment before which it is the next one."""
    moment = BEGIN
    while (found := beside.ours.next_after(moment)) is not None and found < END:
        yield moment, found
        moment = found


def changes_near(zone: str, begin: datetime, end: datetime) -> bool:
    days = [datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)) for day in ZONES[zone]]
    return any(begin < day + 2 * DAY and day - DAY < end for day in days)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("line", LINES)
def test_a_year_of_runs_is_celerys(zone: str, line: str) -> None:
    beside = Beside(line, zone)
    compared = 0

    for before, due in runs(beside):
        if changes_near(zone, before, due):
            continue
        compared += 1
        assert beside.next_of_theirs(before) == due
        for now in (before + (due - before) / 2, due - SECOND, due, due + SECOND):
            beside.now = now
            ours, theirs = beside.ours.is_due(before), beside.theirs.is_due(before)
            assert ours.is_due == theirs.is_due == (now >= due)
            assert beside.ours.remaining_estimate(before) == beside.theirs.remaining_estimate(before)
            if now < due or not changes_near(zone, due, due + timedelta(days=40)):
                assert ours.next == theirs.next

    leap_days = line == "0 0 29 2 *"
    assert compared >= (0 if leap_days else 4)


def local_runs(beside: Beside, day: str, zone: str, *, of_celery: bool) -> list[str]:
    moment = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) - SECOND
    found = []
    while True:
        due = beside.next_of_theirs(moment) if of_celery else beside.ours.next_after(moment)
        assert due is not None
        moment = due.astimezone(UTC)
        if moment.astimezone(ZoneInfo(zone)).date().isoformat() != day:
            return found
        found.append(moment.astimezone(ZoneInfo(zone)).strftime("%H:%M %z"))


@pytest.mark.parametrize(
    ("line", "zone", "day", "celerys_runs", "our_runs"),
    [
        # A time that the clock leaves out: at the end of the gap, not as much later as the gap is long.
        ("30 2 * * *", "Europe/Rome", "2026-03-29", ["03:30 +0200"], ["03:00 +0200"]),
        ("30 2 * * *", "America/New_York", "2026-03-08", ["03:30 -0400"], ["03:00 -0400"]),
    ],
)
def test_where_clocks_are_put_forward_celery_is_later(
    line: str, zone: str, day: str, celerys_runs: list[str], our_runs: list[str]
) -> None:
    beside = Beside(line, zone)

    assert local_runs(beside, day, zone, of_celery=True) == celerys_runs
    assert local_runs(beside, day, zone, of_celery=False) == our_runs


def test_where_clocks_are_put_back_celery_leaves_an_hour_without_runs() -> None:
    beside = Beside("0 * * * *", "Europe/Rome")

    theirs = local_runs(beside, "2026-10-25", "Europe/Rome", of_celery=True)
    ours = local_runs(beside, "2026-10-25", "Europe/Rome", of_celery=False)

    assert [run for run in ours if run.startswith("02")] == ["02:00 +0200", "02:00 +0100"]
    assert [run for run in theirs if run.startswith("02")] == ["02:00 +0200"]
