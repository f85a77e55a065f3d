"""The names of ``sedano.schedules``, and what all schedules share."""

from datetime import UTC, datetime, timedelta, tzinfo
from types import SimpleNamespace
from typing import Any

import pytest
from celery import schedules as celerys

from sedano import schedules
from sedano.schedules import BaseSchedule, clocked, crontab, maybe_schedule, schedstate, schedule, solar

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


class AtNoon:
    """As much of an application as a schedule asks for."""

    def __init__(self) -> None:
        self.timezone: tzinfo = UTC
        self.conf: Any = SimpleNamespace(beat_cron_starting_deadline=None)

    def now(self) -> datetime:
        return NOON


@pytest.fixture(params=["interval", "crontab", "solar", "clocked"])
def every(request: pytest.FixtureRequest) -> BaseSchedule:
    """One schedule of each kind, made without an application."""
    made: dict[str, BaseSchedule] = {
        "interval": schedule(60),
        "crontab": crontab(),
        "solar": solar("sunset", 0, 0),
        "clocked": clocked(NOON),
    }
    return made[request.param]


def test_celerys_names_are_there() -> None:
    assert set(celerys.__all__) <= set(schedules.__all__)
    assert schedules.__all__ == sorted(schedules.__all__)


def test_a_state_is_celerys() -> None:
    state = schedstate(is_due=True, next=20)

    is_due, following = state
    assert (is_due, following) == (state.is_due, state.next) == (True, 20)
    assert state == celerys.schedstate(True, 20)


def test_without_an_application_the_machines_clock_counts(every: BaseSchedule) -> None:
    before = datetime.now(UTC)

    assert before <= every.now() <= datetime.now(UTC)
    assert every.tz is UTC


def test_the_present_is_the_applications_unless_there_is_a_function_for_it() -> None:
    moment = NOON + timedelta(hours=1)

    assert crontab(app=AtNoon()).now() == NOON
    assert crontab(app=AtNoon(), nowfun=lambda: moment).now() == moment


@pytest.mark.parametrize("given", [30, 30.0, timedelta(seconds=30)])
def test_seconds_become_a_schedule(given: float | timedelta) -> None:
    app = AtNoon()

    made = maybe_schedule(given, relative=True, app=app)

    assert made == schedule(30, relative=True)
    assert made.app is app


def test_a_schedule_gets_the_application(every: BaseSchedule) -> None:
    app = AtNoon()

    assert maybe_schedule(every, app=app) is every
    assert every.app is app
    assert maybe_schedule(every).app is app


def test_a_schedule_of_the_users_own_gets_the_application() -> None:
    own, app = SimpleNamespace(is_due=lambda last_run_at: (False, 60)), AtNoon()

    assert maybe_schedule(own, app=app) is own
    assert own.app is app


def test_nothing_stays_nothing() -> None:
    assert maybe_schedule(None, app=AtNoon()) is None
