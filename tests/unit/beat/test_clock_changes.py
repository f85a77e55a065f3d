"""The scheduler's loop on the days when a zone's clock is put forward or back."""

from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sedano.beat.entry import Entry
from sedano.brokers.publication import Publication
from sedano.schedules import crontab, schedule
from sedano.testing.messages import publication
from tests.unit.beat.stage import Stage

ROME = "Europe/Rome"
LORD_HOWE = "Australia/Lord_Howe"

#: 02:00 to 03:00 and 03:00 to 02:00; on Lord Howe 02:00 to 02:30 and 02:00 to 01:30.
SPRING = {ROME: "2028-03-26", LORD_HOWE: "2028-10-01"}
AUTUMN = {ROME: "2028-10-29", LORD_HOWE: "2028-04-02"}

HOUR = timedelta(hours=1)


class InZone:
    """As much of an application as a schedule asks for."""

    conf: Any = None

    def __init__(self, zone: str) -> None:
        self.timezone: tzinfo = ZoneInfo(zone)

    def now(self) -> datetime:
        raise NotImplementedError


def runs_of_day(zone: str, day: str, rule: Any, *, step: float = 60) -> list[datetime]:
    """When a scheduler starts an entry on a day of the zone, in its local time."""
    stage = Stage()
    runs: list[datetime] = []

    def prepare(entry: Entry) -> Publication:
        runs.append(stage.clock.now().astimezone(ZoneInfo(zone)))
        return publication()

    stage.prepare = prepare
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone))
    stage.clock.advance_to(midnight.astimezone(UTC) - 2 * HOUR)
    more = {"timezone": zone} if isinstance(rule, crontab) else {}
    stage.write("entry", rule, **more)
    scheduler = stage.scheduler()
    scheduler.turn()
    stage.pass_time(28 * 3600, scheduler, step=step)
    assert len(stage.started()) == len(runs)
    return [run for run in runs if run.date() == midnight.date()]


def shown(runs: list[datetime]) -> list[str]:
    return [run.strftime("%H:%M") for run in runs]


@pytest.mark.parametrize(
    ("zone", "day", "count"),
    [
        (ROME, SPRING[ROME], 23),
        (ROME, AUTUMN[ROME], 25),
        (LORD_HOWE, SPRING[LORD_HOWE], 23),
        (LORD_HOWE, AUTUMN[LORD_HOWE], 24),
    ],
)
def test_an_hourly_crontab_runs_whenever_the_clock_shows_a_full_hour(zone: str, day: str, count: int) -> None:
    runs = runs_of_day(zone, day, crontab(minute=0))

    assert len(runs) == count
    assert {run.minute for run in runs} == {0}


def test_a_half_hour_that_is_shown_twice_counts_twice_for_what_runs_every_hour() -> None:
    runs = shown(runs_of_day(LORD_HOWE, AUTUMN[LORD_HOWE], crontab(minute=45)))

    assert runs[:4] == ["00:45", "01:45", "01:45", "02:45"]
    assert len(runs) == 25


@pytest.mark.parametrize(
    ("zone", "day", "minutes"),
    [
        (ROME, SPRING[ROME], 23 * 60),
        (ROME, AUTUMN[ROME], 25 * 60),
        (LORD_HOWE, SPRING[LORD_HOWE], 24 * 60 - 30),
        (LORD_HOWE, AUTUMN[LORD_HOWE], 24 * 60 + 30),
    ],
)
@pytest.mark.parametrize("rule", [crontab(), schedule(60)], ids=repr)
def test_what_runs_every_minute_runs_every_minute_that_there_is(
    zone: str, day: str, minutes: int, rule: Any
) -> None:
    runs = runs_of_day(zone, day, rule)

    assert len(runs) == minutes
    assert {later.astimezone(UTC) - run.astimezone(UTC) for run, later in pairwise(runs)} == {
        timedelta(minutes=1)
    }


@pytest.mark.parametrize(("day", "count"), [(SPRING[ROME], 23), (AUTUMN[ROME], 25)])
@pytest.mark.parametrize("relative", [False, True])
def test_an_interval_of_an_hour_is_an_hour(day: str, count: int, relative: bool) -> None:
    runs = runs_of_day(ROME, day, schedule(HOUR, relative=relative, app=InZone(ROME)))

    assert len(runs) == count
    assert {later.astimezone(UTC) - run.astimezone(UTC) for run, later in pairwise(runs)} == {HOUR}


@pytest.mark.parametrize("zone", [ROME, LORD_HOWE])
@pytest.mark.parametrize("days", [SPRING, AUTUMN], ids=["spring", "autumn"])
def test_a_relative_interval_of_a_day_is_a_calendar_day(zone: str, days: dict[str, str]) -> None:
    stage = Stage()
    stage.clock.advance_to(datetime.fromisoformat(days[zone]).replace(tzinfo=ZoneInfo(zone)) - 30 * HOUR)
    stage.write("daily", schedule(timedelta(days=1), relative=True, app=InZone(zone)))
    runs: list[str] = []

    def prepare(entry: Entry) -> Publication:
        runs.append(stage.clock.now().astimezone(ZoneInfo(zone)).strftime("%H:%M"))
        return publication()

    stage.prepare = prepare
    scheduler = stage.scheduler()
    scheduler.turn()
    stage.pass_time(4 * 86_400, scheduler, step=600)

    assert runs == ["00:00"] * 4


@pytest.mark.parametrize(
    ("zone", "day", "rule", "runs"),
    [
        (ROME, SPRING[ROME], crontab(30, 2), ["03:00"]),
        (ROME, AUTUMN[ROME], crontab(30, 2), ["02:30"]),
        (ROME, SPRING[ROME], crontab("*/30", "1-3"), ["01:00", "01:30", "03:00", "03:30"]),
        (ROME, AUTUMN[ROME], crontab("*/30", "1-3"), ["01:00", "01:30", "02:00", "02:30", "03:00", "03:30"]),
        (LORD_HOWE, SPRING[LORD_HOWE], crontab("15,45", 2), ["02:30", "02:45"]),
        (LORD_HOWE, AUTUMN[LORD_HOWE], crontab("15,45", 1), ["01:15", "01:45"]),
    ],
)
def test_a_time_of_the_day_runs_once(zone: str, day: str, rule: crontab, runs: list[str]) -> None:
    assert shown(runs_of_day(zone, day, rule)) == runs


@pytest.mark.parametrize("day", [SPRING[ROME], AUTUMN[ROME]])
def test_a_run_that_falls_into_a_change_while_no_scheduler_runs_is_made_up_for_once(day: str) -> None:
    stage = Stage()
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(ROME))
    stage.clock.advance_to(midnight)
    stage.write("night", crontab(30, 2), timezone=ROME)
    stage.scheduler().turn()

    stage.clock.advance(6 * 3600)
    scheduler = stage.scheduler()
    stage.pass_time(3600, scheduler, step=60)

    assert stage.started() == ["night"]
