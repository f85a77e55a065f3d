"""What a zone's clock shows, leaves out and shows twice."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest

from sedano.scheduler.wall_clock import WallClock, time_zone


def local(text: str) -> datetime:
    return datetime.fromisoformat(text)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


ROME = WallClock(ZoneInfo("Europe/Rome"))


def test_a_time_has_a_moment_and_a_moment_a_time() -> None:
    assert ROME.moment_of(local("2026-05-01T12:00")) == utc("2026-05-01T10:00")
    assert ROME.time_at(utc("2026-05-01T10:00")) == local("2026-05-01T12:00")
    assert ROME.repetition_at(local("2026-05-01T12:00")) is None


def test_a_time_that_is_left_out_has_no_moment_but_a_gap() -> None:
    missing = local("2026-03-29T02:30")

    assert ROME.moment_of(missing) is None
    assert ROME.gap_at(missing) == (utc("2026-03-29T01:00"), local("2026-03-29T03:00"))


@pytest.mark.parametrize("edge", ["2026-03-29T02:00", "2026-03-29T02:59:59.999999"])
def test_a_gap_is_found_from_its_edges(edge: str) -> None:
    assert ROME.gap_at(local(edge)).end == local("2026-03-29T03:00")


@pytest.mark.parametrize("time", ["2026-10-25T02:00", "2026-10-25T02:30", "2026-10-25T02:59:59.999999"])
def test_a_time_that_is_shown_twice_has_two_moments(time: str) -> None:
    first, second = ROME.moment_of(local(time)), ROME.moment_of(local(time).replace(fold=1))

    assert first is not None
    assert second is not None
    assert second - first == timedelta(hours=1)
    assert (ROME.time_at(first).fold, ROME.time_at(second).fold) == (0, 1)
    assert ROME.repetition_at(local(time)) == (local("2026-10-25T02:00"), local("2026-10-25T03:00"))


def test_the_hour_after_a_repetition_is_not_part_of_it() -> None:
    assert ROME.repetition_at(local("2026-10-25T03:00")) is None


def test_a_change_need_not_be_on_a_whole_minute() -> None:
    # Monrovia's clocks were 44 minutes and 30 seconds behind until 7 January 1972.
    monrovia = WallClock(ZoneInfo("Africa/Monrovia"))

    assert monrovia.gap_at(local("1972-01-07T00:20")) == (
        utc("1972-01-07T00:44:30"),
        local("1972-01-07T00:44:30"),
    )


def test_an_offset_has_neither_gaps_nor_repetitions() -> None:
    fixed = WallClock(timezone(timedelta(hours=5, minutes=45)))

    assert fixed.moment_of(local("2026-03-29T02:30")) == utc("2026-03-28T20:45")
    assert fixed.repetition_at(local("2026-10-25T02:30")) is None


class FromPytz(tzinfo):
    """A zone as pytz makes them: it knows its name, and nothing of ``fold``."""

    zone = "Europe/Rome"


def test_a_zone_of_pytzs_is_taken_by_its_name() -> None:
    assert time_zone(FromPytz()) == ZoneInfo("Europe/Rome")
