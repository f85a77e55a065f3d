"""Schedules that run again when a time has passed.

Made by users through ``sedano.schedules``, and by the scheduler from entries that give a number of seconds or
a ``timedelta``. An interval begins at the moment that is asked about, so that the rhythm is the caller's.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from sedano.scheduler.invalid_schedule import InvalidSchedule
from sedano.scheduler.schedule import Schedule, SchedulingApp, checked_moment
from sedano.scheduler.wall_clock import WallClock

DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
MINUTE: Final = timedelta(minutes=1)

S = TypeVar("S")


class schedule(Schedule):
    """Runs each time that ``run_every`` has passed.

    >>> schedule(30).human_readable
    'every 30 seconds'

    Args:
        run_every: Seconds, or a ``timedelta``; more than none.
        relative: Round the due moment down, in local time, to the day (intervals of a day or longer), the
            hour, the minute or the second: ``schedule(timedelta(hours=1), relative=True)`` runs on the hour.
            Days are calendar days. A time that the zone's clock leaves out is the moment after the gap; where
            rounding would lead back to the run before, nothing is rounded.
        nowfun: Gives the present moment.
        app: Gives the time zone and the present moment.
    """

    def __init__(
        self,
        run_every: float | timedelta,
        relative: bool = False,
        nowfun: Callable[[], datetime] | None = None,
        app: SchedulingApp | None = None,
    ) -> None:
        super().__init__(nowfun=nowfun, app=app)
        self.run_every = _interval(run_every)
        self.relative = relative

    def next_after(self, moment: datetime) -> datetime | None:
        start = checked_moment(moment)
        try:
            exact = start + self.run_every
            due = self._rounded(start, exact) if self.relative else exact
        except OverflowError:
            return None  # the end of Python's calendar
        return due if due > start else exact

    @property
    def seconds(self) -> float:
        """The interval in seconds."""
        return self.run_every.total_seconds()

    @property
    def human_seconds(self) -> str:
        """The interval as Celery words it: ``'1.50 minutes'``."""
        for unit, length in (
            ("day", DAY),
            ("hour", HOUR),
            ("minute", MINUTE),
            ("second", timedelta(seconds=1)),
        ):
            if round(self.seconds, 2) >= length.total_seconds():
                count = round(self.seconds, 2) / length.total_seconds()
                return f"{count:.2f} {unit}{'s' if count > 1 else ''}"
        return "now"

    @property
    def human_readable(self) -> str:
        for unit, length in (("day", DAY), ("hour", HOUR), ("minute", MINUTE)):
            if self.run_every % length == timedelta(0):
                count = self.run_every // length
                return f"every {unit}" if count == 1 else f"every {count} {unit}s"
        return "every second" if self.seconds == 1 else f"every {self.seconds:g} seconds"

    def _rounded(self, start: datetime, exact: datetime) -> datetime:
        clock = WallClock(self.tz)
        if self.run_every >= DAY:
            time = clock.time_at(start) + self.run_every
            time = time.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        else:
            time = clock.time_at(exact).replace(microsecond=0)
            if self.run_every >= MINUTE:
                time = time.replace(second=0)
            if self.run_every >= HOUR:
                time = time.replace(minute=0)
        return clock.moment_of(time) or clock.gap_at(time).moment

    def __repr__(self) -> str:
        return f"<freq: {self.human_seconds}>"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, schedule):
            return (self.run_every, self.relative) == (other.run_every, other.relative)
        return self.run_every == other if isinstance(other, timedelta) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.run_every)

    def __reduce__(self) -> tuple[Any, ...]:
        # The application is not part of the rule: who unpickles it has one of their own.
        return type(self), (self.run_every, self.relative, self.nowfun)


def schedule_from(
    given: float | timedelta | S, relative: bool = False, app: SchedulingApp | None = None
) -> "schedule | S":
    """Celery's ``maybe_schedule``: seconds and a ``timedelta`` become a schedule, a schedule gets the app.

    >>> schedule_from(90)
    <freq: 1.50 minutes>
    """
    if isinstance(given, int | float | timedelta):
        return schedule(given, relative, app=app)
    if app is not None and hasattr(given, "__dict__"):
        given.app = app  # type: ignore[attr-defined]  # schedules of the user's own need not be of our classes
    return given


def _interval(run_every: float | timedelta) -> timedelta:
    if isinstance(run_every, bool) or not isinstance(run_every, int | float | timedelta):
        raise TypeError(f"run_every: expected seconds or a timedelta, got {run_every!r}")
    try:
        interval = run_every if isinstance(run_every, timedelta) else timedelta(seconds=run_every)
    except (ValueError, OverflowError) as error:
        raise InvalidSchedule(f"run_every: {run_every!r} is no length of time") from error
    if interval <= timedelta(0):
        raise InvalidSchedule(f"run_every: expected more than 0 seconds, got {run_every!r}")
    return interval
