"""What applications take from ``celery.utils.time`` and ``celery.app.log`` does what it does in Celery."""

import logging
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from celery.utils import time as celerys

from sedano import Sedano
from sedano.compat import moments
from sedano.compat.task_formatter import TaskFormatter

ROME: Final = ZoneInfo("Europe/Rome")

TIMES: Final = [
    datetime.fromisoformat("2026-01-01T12:00"),
    datetime.fromisoformat("2026-03-29T02:30"),  # the clock leaves it out
    datetime.fromisoformat("2026-10-25T02:30"),  # the clock shows it twice
    datetime(2026, 1, 1, 12, tzinfo=UTC),
    datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=5))),
]


@pytest.mark.parametrize("time", TIMES, ids=str)
@pytest.mark.parametrize("zone", [None, ROME, "Europe/Rome"], ids=str)
@pytest.mark.parametrize("naive_as_utc", [True, False])
def test_times_become_moments_as_in_celery(time: datetime, zone: Any, naive_as_utc: bool) -> None:
    ours = moments.aware(time, zone, naive_as_utc)

    if zone == "Europe/Rome" and not naive_as_utc:
        zone = ROME  # Celery takes the name of a zone for naive times in UTC only
    theirs = celerys.maybe_make_aware(time, zone, naive_as_utc)
    assert (ours, ours.isoformat()) == (theirs, theirs.isoformat())


@pytest.mark.parametrize("time", TIMES[:3], ids=str)
def test_a_zones_times_are_those_of_celery(time: datetime) -> None:
    assert moments.in_zone(time, ROME).isoformat() == celerys.make_aware(time, ROME).isoformat()
    assert moments.to_utc(time) == celerys.to_utc(time)


@pytest.mark.parametrize("time", TIMES, ids=str)
def test_naive_times_are_those_without_a_zone(time: datetime) -> None:
    assert moments.is_naive(time) == celerys.is_naive(time)


@pytest.mark.parametrize("value", [0, 90, 1.5, timedelta(minutes=1), None])
def test_seconds_become_durations(value: Any) -> None:
    assert moments.duration(value) == celerys.maybe_timedelta(value)


@pytest.mark.parametrize("arguments", [(1, 0, 600), (2, 5, 600), (2, 5, 60), (30, 40, 600), (1, 3, 0)])
def test_times_between_tries_are_those_of_celery(arguments: tuple[int, int, int]) -> None:
    exact = celerys.get_exponential_backoff_interval(*arguments)

    assert moments.backoff(*arguments) == exact
    assert all(0 <= moments.backoff(*arguments, full_jitter=True) <= exact for _ in range(50))


def test_zones_are_found_by_name() -> None:
    assert moments.zones.utc == celerys.timezone.utc
    assert moments.zones.get_timezone("Europe/Rome") is ROME
    assert moments.zones.get_timezone(ROME) is ROME


def test_a_task_formatter_names_the_task() -> None:
    app = Sedano("proj", broker="memory://", set_as_current=False)
    record = logging.LogRecord("proj", logging.INFO, "", 1, "hello", None, None)
    formatter = TaskFormatter("%(task_id)s %(task_name)s %(message)s", use_color=False)

    @app.task(name="proj.greet")
    def greet() -> str:
        return formatter.format(logging.makeLogRecord(vars(record)))

    assert greet.apply(task_id="t-1").get() == "t-1 proj.greet hello"
    assert formatter.format(record) == "??? ??? hello"
    assert TaskFormatter().format(record).endswith("hello")
