"""Crontabs: what may be written, what it means, and how it is told."""

import pickle
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from celery import schedules as celerys

from sedano.errors import ConfigurationError
from sedano.schedules import ParseException, crontab, crontab_parser

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)  # a Friday


class InZone:
    """As much of an application as a schedule asks for."""

    def __init__(self, zone: str, *, deadline: float | None = None) -> None:
        self.timezone: tzinfo = ZoneInfo(zone)
        self.conf: Any = SimpleNamespace(beat_cron_starting_deadline=deadline)

    def now(self) -> datetime:
        return NOON


def runs(schedule: crontab, count: int, *, after: datetime = NOON) -> list[str]:
    """The next runs, in the crontab's own time."""
    found = []
    for _ in range(count):
        moment = schedule.next_after(after)
        assert moment is not None
        assert moment.tzinfo is UTC
        found.append(moment.astimezone(schedule.tz).strftime("%Y-%m-%d %H:%M"))
        after = moment
    return found


def test_without_arguments_every_minute_is_due() -> None:
    assert runs(crontab(), 2) == ["2026-05-01 12:01", "2026-05-01 12:02"]


def test_a_due_moment_is_later_than_the_one_asked_about() -> None:
    noon = crontab(minute=0, hour=12)

    assert noon.next_after(NOON - timedelta.resolution) == NOON
    assert noon.next_after(NOON) == NOON + timedelta(days=1)


@pytest.mark.parametrize(
    ("field", "value", "numbers"),
    [
        ("minute", 7, {7}),
        ("minute", "7", {7}),
        ("minute", "*", set(range(60))),
        ("minute", "*/25", {0, 25, 50}),
        ("minute", "*/70", {0}),
        ("minute", "50-10/7", {50, 57, 4}),
        ("minute", "1, 13,30-45/5", {1, 13, 30, 35, 40, 45}),
        ("minute", [0, 30], {0, 30}),
        ("minute", range(0, 60, 20), {0, 20, 40}),
        ("minute", {5}, {5}),
        ("minute", (number for number in (1, 2)), {1, 2}),
        ("hour", "22-2", {22, 23, 0, 1, 2}),
        ("hour", "5-5", {5}),
        ("day_of_week", "sunday", {0}),
        ("day_of_week", "Mon,WED,thurs", {1, 3, 4}),
        ("day_of_week", "fri-mon", {5, 6, 0, 1}),
        ("day_of_week", "mon-5/2", {1, 3, 5}),
        ("day_of_month", "*/10", {1, 11, 21, 31}),
        ("month_of_year", "jan,September", {1, 9}),
        ("month_of_year", "nov-feb", {11, 12, 1, 2}),
    ],
)
def test_a_field_is_a_number_numbers_or_text(
    field: str, value: int | str | Iterable[int], numbers: set[int]
) -> None:
    assert getattr(crontab(**{field: value}), field) == numbers  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("minute", 60, "minute: 60 is not in 0-59"),
        ("minute", -1, "minute: -1 is not in 0-59"),
        ("minute", "60", "minute: 60 is not in 0-59"),
        ("minute", "5,,6", "minute: expected numbers 0-59, .* got an empty part"),
        ("minute", "", "minute: .* got an empty part"),
        ("minute", "*/", r"minute: .* got '\*/'"),
        ("minute", "*/0", "minute: .* got the step '0'"),
        ("minute", "*/x", "minute: .* got the step 'x'"),
        ("minute", "1-5/0", "minute: .* got the step '0'"),
        ("minute", "5/15", "minute: .* got '5/15'"),
        ("minute", "-5", "minute: .* got '-5'"),
        ("minute", "5-", "minute: .* got '5-'"),
        ("minute", "1 2", "minute: .* got '1 2'"),
        ("minute", "٣", "minute: .* got"),
        ("minute", "?", "minute: .* got"),
        ("minute", [], r"minute: expected at least one number, got \[\]"),
        ("minute", [1, 60], "minute: 60 is not in 0-59"),
        ("hour", 24, "hour: 24 is not in 0-23"),
        ("hour", "mon", "hour: expected numbers 0-23, '\\*', .* got 'mon'"),
        ("day_of_week", 7, r"day_of_week: 7 is not in 0-6 \(0 is Sunday, 6 is Saturday\)"),
        ("day_of_week", "xyz", r"day_of_week: expected numbers 0-6, names \(sun, mon, .*got 'xyz'"),
        ("day_of_week", "mo", "day_of_week: .*got 'mo'"),
        ("day_of_month", 0, "day_of_month: 0 is not in 1-31"),
        ("day_of_month", "L", "day_of_month: .*got 'L'"),
        ("month_of_year", 13, "month_of_year: 13 is not in 1-12"),
        ("month_of_year", "mon", r"month_of_year: .*names \(jan, feb, .*got 'mon'"),
    ],
)
def test_what_a_field_cannot_hold_is_refused_by_name(field: str, value: Any, words: str) -> None:
    with pytest.raises(ParseException, match=words) as refusal:
        crontab(**{field: value})

    assert isinstance(refusal.value, ValueError)
    assert isinstance(refusal.value, ConfigurationError)


@pytest.mark.parametrize("value", [None, 1.5, True, b"5", ["5"], [True], [1.0]])
def test_a_field_of_another_type_is_refused_by_name(value: Any) -> None:
    with pytest.raises(TypeError, match="hour: expected an int"):
        crontab(hour=value)


@pytest.mark.parametrize(("day", "month"), [(30, 2), (31, "2,4,6,9,11"), ("30-31", "feb")])
def test_a_day_that_no_month_has_is_refused(day: int | str, month: int | str) -> None:
    with pytest.raises(ParseException, match=r"day_of_month: none of the days .* month_of_year"):
        crontab(day_of_month=day, month_of_year=month)


def test_a_day_has_to_be_in_all_three_day_fields() -> None:
    first_mondays = crontab(minute=0, hour=0, day_of_week="mon", day_of_month="1-7", month_of_year="5-7")

    assert runs(first_mondays, 4) == [
        "2026-05-04 00:00",
        "2026-06-01 00:00",
        "2026-07-06 00:00",
        "2027-05-03 00:00",
    ]


def test_short_months_are_passed_over() -> None:
    assert runs(crontab(minute=0, hour=0, day_of_month=31), 3) == [
        "2026-05-31 00:00",
        "2026-07-31 00:00",
        "2026-08-31 00:00",
    ]


def test_leap_days_are_found_across_a_century_without_one() -> None:
    leap_days = crontab(minute=0, hour=0, day_of_month=29, month_of_year=2)

    assert runs(leap_days, 2) == ["2028-02-29 00:00", "2032-02-29 00:00"]
    assert runs(leap_days, 1, after=datetime(2097, 1, 1, tzinfo=UTC)) == ["2104-02-29 00:00"]
    assert runs(crontab(0, 0, "mon", 29, 2), 1) == ["2044-02-29 00:00"]


def test_the_end_of_the_calendar_has_no_further_run() -> None:
    assert crontab().next_after(datetime.max.replace(tzinfo=UTC)) is None
    assert crontab(month_of_year=1).next_after(datetime(9998, 6, 1, tzinfo=UTC)) is None


def test_a_moment_without_a_zone_has_no_next_one() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        crontab().next_after(datetime(2026, 5, 1))  # noqa: DTZ001


# -- zones


def test_without_a_zone_the_applications_counts_and_without_one_utc() -> None:
    assert runs(crontab(0, 4), 1) == ["2026-05-02 04:00"]
    assert crontab(0, 4).next_after(NOON) == datetime(2026, 5, 2, 4, tzinfo=UTC)
    assert crontab(0, 4, app=InZone("Asia/Tokyo")).next_after(NOON) == datetime(2026, 5, 1, 19, tzinfo=UTC)


def test_a_crontabs_own_zone_comes_before_the_applications() -> None:
    by_name = crontab(0, 4, tz="Europe/Rome", app=InZone("Asia/Tokyo"))
    by_zone = crontab(0, 4, tz=ZoneInfo("Europe/Rome"))

    assert by_name.next_after(NOON) == by_zone.next_after(NOON) == datetime(2026, 5, 2, 2, tzinfo=UTC)


def test_a_zone_may_be_given_later() -> None:
    schedule = crontab(0, 4)

    schedule.tz = "Europe/Rome"

    assert schedule.tz == ZoneInfo("Europe/Rome")


def test_a_zone_may_be_an_offset() -> None:
    assert crontab(0, 4, tz=timezone(timedelta(hours=2))).next_after(NOON) == datetime(
        2026, 5, 2, 2, tzinfo=UTC
    )


@pytest.mark.parametrize("zone", ["Europe/Roma", "", "../etc/passwd"])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(ParseException, match="tz: expected an IANA time zone such as 'Europe/Rome', got"):
        crontab(tz=zone)


# -- what Celery's code asks


def test_missed_runs_are_due_once() -> None:
    hourly = crontab(minute=15, app=InZone("UTC"))

    assert hourly.is_due(NOON - timedelta(hours=5)) == (True, 900)
    assert hourly.is_due(NOON - timedelta(minutes=5)) == (False, 900)
    assert hourly.remaining_estimate(NOON - timedelta(hours=1)) == timedelta(minutes=-45)


@pytest.mark.parametrize(("deadline", "is_due"), [(None, True), (2701, True), (2700, True), (2699, False)])
def test_a_run_that_was_missed_for_too_long_is_not_made_up(deadline: float | None, is_due: bool) -> None:
    hourly = crontab(minute=15, app=InZone("UTC", deadline=deadline))

    assert hourly.is_due(NOON - timedelta(hours=5)) == (is_due, 900)


# -- as text and as a value


@pytest.mark.parametrize("line", ["0 4 * * *", "*/15 8-18/2 1-7 jan,jul mon-fri", "5  0 * *   sun"])
def test_a_line_of_cron_is_read_in_crons_order(line: str) -> None:
    minute, hour, day_of_month, month_of_year, day_of_week = line.split()

    assert crontab.from_string(line) == crontab(minute, hour, day_of_week, day_of_month, month_of_year)
    assert crontab.from_string(crontab.from_string(line).expression) == crontab.from_string(line)


@pytest.mark.parametrize("line", ["* * * *", "* * * * * *", "@daily", ""])
def test_a_line_has_five_fields(line: str) -> None:
    with pytest.raises(ParseException, match="crontab: expected five fields"):
        crontab.from_string(line)


def test_a_line_may_be_read_in_a_zone() -> None:
    assert crontab.from_string("0 4 * * *", tz="Europe/Rome") == crontab(0, 4, tz="Europe/Rome")


@pytest.mark.parametrize("fields", [(0, 4), ("*/5", "8-18", "mon"), (1, 2, 3, 4, 5)])
def test_it_is_shown_as_celery_shows_it(fields: tuple[int | str, ...]) -> None:
    assert repr(crontab(*fields)) == repr(celerys.crontab(*fields))  # type: ignore[arg-type]


def test_numbers_are_shown_as_text() -> None:
    assert crontab(minute=[30, 0], hour={4}).expression == "0,30 4 * * *"
    assert crontab(minute="0, 30").expression == "0,30 * * * *"


def test_a_crontab_is_a_value() -> None:
    one, same = crontab(minute="*/30", day_of_week="mon"), crontab(minute=[0, 30], day_of_week=1)

    assert one == same
    assert hash(one) == hash(same)
    assert one not in (crontab(), crontab("*/30", day_of_week="mon", tz="Europe/Rome"), "*/30 * * * mon")


def test_a_crontab_can_be_pickled_without_its_application() -> None:
    one = crontab("*/30", (4, 5), app=InZone("Asia/Tokyo"), tz="Europe/Rome")

    copy = pickle.loads(pickle.dumps(one))  # noqa: S301

    assert copy == one
    assert copy.tz == ZoneInfo("Europe/Rome")
    assert copy.app is None


def test_celerys_parser_reads_one_field() -> None:
    assert crontab_parser(24).parse("*/8") == {0, 8, 16}
    assert crontab_parser(31, 1).parse("30-2") == {30, 31, 1, 2}
    assert crontab_parser(12, 1).parse("jan") == {1}
    with pytest.raises(ParseException):
        crontab_parser(24).parse("24")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("* * * * *", "every minute"),
        ("*/15 * * * *", "every 15 minutes"),
        ("0,15,30,45 * * * *", "every 15 minutes"),
        ("0 * * * *", "every hour"),
        ("5,35 * * * *", "at minutes 5 and 35 of every hour"),
        ("0 4 * * *", "at 04:00"),
        ("30 7,19 * * *", "at 07:30 and 19:30"),
        ("0 */2 * * *", "every 2 hours"),
        ("20 */6 * * *", "at 00:20, 06:20, 12:20 and 18:20"),
        ("20 */2 * * *", "every 2 hours at minute 20"),
        ("* 8-17,20 * * *", "every minute from 08:00 to 17:59 and 20:00 to 20:59"),
        ("*/5 9-17 * * *", "every 5 minutes of the hours 9-17"),
        ("0 9-17 * * mon-fri", "at minute 0 of the hours 9-17 on Monday to Friday"),
        ("0 0 * * sat,sun", "at 00:00 on Sunday and Saturday"),
        ("0 0 1,15 * *", "at 00:00 on days 1 and 15 of the month"),
        ("0 0 1-7 jun-aug mon", "at 00:00 on days 1-7 of the month if it is Monday in June to August"),
        ("0 0 1 1 *", "at 00:00 on day 1 of the month in January"),
    ],
)
def test_a_crontab_has_words(line: str, words: str) -> None:
    assert crontab.from_string(line).human_readable == words


def test_a_crontabs_own_zone_is_among_its_words() -> None:
    assert crontab(0, 4, tz="Europe/Rome").human_readable == "at 04:00 (Europe/Rome)"
