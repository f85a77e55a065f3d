"""Schedules that follow the sun, beside what other programs and tables say of it."""

import pickle
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from sedano.schedules import ParseException, solar
from tests.unit.scheduler.sun_almanac import ALMANAC, Entry

#: Greenwich, at 51.48 N on the meridian: the times of printed almanacs are told in its minutes.
GREENWICH = (51.48, 0.0)


@pytest.mark.parametrize("entry", ALMANAC, ids=str)
def test_an_event_is_within_two_minutes_of_another_programs(entry: Entry) -> None:
    found = solar(entry.event, entry.lat, entry.lon).next_after(entry.start)

    assert found is not None
    assert abs(found - entry.moment) < timedelta(minutes=2)


@pytest.mark.parametrize(
    ("event", "printed"),
    [("sunrise", "03:43"), ("solar_noon", "12:02"), ("sunset", "20:21")],
)
def test_greenwichs_longest_day_is_the_printed_one(event: str, printed: str) -> None:
    found = solar(event, *GREENWICH).next_after(datetime(2026, 6, 21, tzinfo=UTC))

    expected = datetime.fromisoformat(f"2026-06-21T{printed}Z")
    assert found is not None
    assert abs(found - expected) < timedelta(minutes=1)


def test_the_events_of_a_day_come_in_their_order() -> None:
    order = [
        "dawn_astronomical",
        "dawn_nautical",
        "dawn_civil",
        "sunrise",
        "solar_noon",
        "sunset",
        "dusk_civil",
        "dusk_nautical",
        "dusk_astronomical",
    ]
    midnight = datetime(2026, 3, 1, tzinfo=UTC)

    moments = [solar(event, *GREENWICH).next_after(midnight) for event in order]

    assert moments == sorted(moment for moment in moments if moment)
    assert {moment.date() for moment in moments if moment} == {midnight.date()}


@pytest.mark.parametrize(("lat", "lon"), [(51.48, 0), (-33.87, 151.21), (-17.71, 178.07), (21.3, -157.86)])
def test_the_sun_rises_once_a_day_for_a_year(lat: float, lon: float) -> None:
    sunrise = solar("sunrise", lat, lon)
    moment = sunrise.next_after(datetime(2026, 1, 1, tzinfo=UTC))
    assert moment is not None

    for _ in range(365):
        following = sunrise.next_after(moment)
        assert following is not None
        assert timedelta(hours=23, minutes=50) < following - moment < timedelta(hours=24, minutes=10)
        moment = following


def test_a_moment_just_before_an_event_leads_to_it_and_the_event_to_the_next_day() -> None:
    sunset = solar("sunset", *GREENWICH)
    event = sunset.next_after(datetime(2026, 5, 1, tzinfo=UTC))
    assert event is not None

    assert sunset.next_after(event - timedelta.resolution) == event
    following = sunset.next_after(event)
    assert following is not None
    assert following.date() == event.date() + timedelta(days=1)


@pytest.mark.parametrize(
    ("event", "begin", "first_day"),
    [
        ("sunrise", datetime(2026, 6, 21, tzinfo=UTC), "2026-07-25"),
        ("sunrise", datetime(2026, 12, 1, tzinfo=UTC), "2027-01-15"),
        ("sunset", datetime(2026, 6, 21, tzinfo=UTC), "2026-07-25"),
        ("solar_noon", datetime(2026, 12, 21, tzinfo=UTC), "2026-12-21"),
        ("dawn_civil", datetime(2026, 12, 21, tzinfo=UTC), "2026-12-21"),
    ],
)
def test_beyond_the_polar_circle_the_next_day_with_the_event_counts(
    event: str, begin: datetime, first_day: str
) -> None:
    tromsø = (69.65, 18.96)

    found = solar(event, *tromsø).next_after(begin)

    assert found is not None
    assert found.date().isoformat() == first_day


@pytest.mark.parametrize(
    ("lat", "event", "month"),
    [(90, "sunrise", 3), (90, "sunset", 9), (-90, "sunrise", 9), (-90, "sunset", 3)],
)
def test_at_a_pole_the_sun_rises_and_sets_once_a_year(lat: int, event: str, month: int) -> None:
    schedule = solar(event, lat, 0)

    first = schedule.next_after(datetime(2026, 1, 1, tzinfo=UTC))

    assert first is not None
    assert (first.year, first.month) == (2026, month)
    second = schedule.next_after(first)
    assert second is not None
    assert (second.year, second.month) == (2027, month)


def test_the_end_of_the_calendar_has_no_further_event() -> None:
    assert solar("sunrise", 0, 0).next_after(datetime.max.replace(tzinfo=UTC)) is None


def test_after_a_run_the_sun_is_waited_for() -> None:
    now = datetime(2026, 6, 21, 12, tzinfo=UTC)
    sunset = solar("sunset", *GREENWICH, nowfun=lambda: now)

    missed, waiting = sunset.is_due(now - timedelta(days=1)), sunset.is_due(now)

    assert (missed.is_due, waiting.is_due) == (True, False)
    assert missed.next == waiting.next == sunset.remaining_estimate(now).total_seconds()


@pytest.mark.parametrize(
    ("event", "lat", "lon", "words"),
    [
        ("sunrize", 0, 0, r"event: .*sunrise.* got 'sunrize'\. Did you mean 'sunrise'"),
        ("sunset", 90.1, 0, r"lat: expected degrees from -90 to 90, got 90\.1"),
        ("sunset", float("nan"), 0, "lat: expected"),
        ("sunset", 0, -181, "lon: expected degrees from -180 to 180, got -181"),
    ],
)
def test_what_cannot_be_is_refused(event: str, lat: float, lon: float, words: str) -> None:
    with pytest.raises(ParseException, match=words):
        solar(event, lat, lon)


def test_a_latitude_is_a_number() -> None:
    with pytest.raises(TypeError, match=r"lat: expected a number of degrees, got '41\.9'"):
        solar("sunset", "41.9", 12.5)  # type: ignore[arg-type]


def test_a_place_may_come_from_a_decimal_column_of_a_database() -> None:
    start = datetime(2026, 6, 21, tzinfo=UTC)

    place = solar("sunset", Decimal("51.480000"), Decimal("0"))

    assert place.next_after(start) == solar("sunset", *GREENWICH).next_after(start)


def test_a_solar_schedule_is_a_value() -> None:
    one, same, other = solar("sunset", 1, 2), solar("sunset", 1, 2), solar("sunrise", 1, 2)

    assert one == same
    assert hash(one) == hash(same)
    assert one not in (other, "sunset")
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301
    assert repr(one) == "<solar: sunset at latitude 1, longitude: 2>"


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("solar_noon", "at solar noon at 33.87° S, 151.21° E"),
        ("dawn_civil", "at civil dawn at 33.87° S, 151.21° E"),
        ("sunset", "at sunset at 33.87° S, 151.21° E"),
    ],
)
def test_an_event_has_words(event: str, words: str) -> None:
    assert solar(event, -33.87, 151.21).human_readable == words
