"""Schedules written like a line of cron, in Celery's dialect, read in a time zone.

Made by users through ``sedano.schedules``. Where the zone's clock is changed:

- A run whose local time the clock leaves out happens at the moment the clock is put forward: 02:30 on a day
  without 02:30 is run when the clock shows 03:00. Several such runs are one.
- A local time that the clock shows twice counts at its first showing: 01:30 is run once.
- A crontab for every hour keeps to real time instead: nothing is made up in spring, and both showings count
  in autumn. In autumn, so does a crontab for every minute of some hours.
"""

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from functools import partial
from typing import Any, Self

from sedano.scheduler import crontab_fields
from sedano.scheduler.crontab_fields import FieldValue
from sedano.scheduler.crontab_times import LAST_YEAR, CrontabTimes
from sedano.scheduler.crontab_words import describe
from sedano.scheduler.invalid_schedule import InvalidSchedule
from sedano.scheduler.schedule import Schedule, SchedulingApp, checked_moment
from sedano.scheduler.wall_clock import Repetition, WallClock, time_zone


class crontab(Schedule):
    """Runs at the minutes that all five fields name.

    >>> crontab(minute=30, hour="7-19/4", day_of_week="mon-fri").human_readable
    'at 07:30, 11:30, 15:30 and 19:30 on Monday to Friday'

    Unlike cron's, its days must be in all of the three day fields: ``day_of_month="1-7", day_of_week="mon"``
    is the first Monday of each month.

    Args:
        minute: 0-59. Each field is an int, an iterable of ints, or text: ``'*/15'``, ``'1,13,30-45/5'``.
        hour: 0-23.
        day_of_week: 0-6, from Sunday, or names: ``'mon-fri'``.
        day_of_month: 1-31.
        month_of_year: 1-12, or names: ``'jan,jul'``.
        nowfun: Gives the present moment.
        app: Gives the present moment where there is no ``nowfun``, and the zone where there is no ``tz``.
        tz: The zone, or its IANA name.

    Raises:
        InvalidSchedule: A field that cannot be read, or a day that no month has. Also a ValueError.
        TypeError: A field of another type.
    """

    def __init__(
        self,
        minute: FieldValue = "*",
        hour: FieldValue = "*",
        day_of_week: FieldValue = "*",
        day_of_month: FieldValue = "*",
        month_of_year: FieldValue = "*",
        nowfun: Callable[[], datetime] | None = None,
        app: SchedulingApp | None = None,
        *,
        tz: tzinfo | str | None = None,
    ) -> None:
        super().__init__(nowfun=nowfun, app=app)
        self._orig_minute, self.minute = crontab_fields.MINUTE.read(minute)
        self._orig_hour, self.hour = crontab_fields.HOUR.read(hour)
        self._orig_day_of_week, self.day_of_week = crontab_fields.DAY_OF_WEEK.read(day_of_week)
        self._orig_day_of_month, self.day_of_month = crontab_fields.DAY_OF_MONTH.read(day_of_month)
        self._orig_month_of_year, self.month_of_year = crontab_fields.MONTH_OF_YEAR.read(month_of_year)
        self._times = CrontabTimes(
            self.minute, self.hour, self.day_of_week, self.day_of_month, self.month_of_year
        )
        self._times.check_that_they_occur()
        self._own_zone = time_zone(tz) if tz is not None else None

    @classmethod
    def from_string(
        cls,
        crontab: str,
        nowfun: Callable[[], datetime] | None = None,
        app: SchedulingApp | None = None,
        *,
        tz: tzinfo | str | None = None,
    ) -> Self:
        """From a line of cron: minute, hour, day of the month, month, day of the week.

        >>> crontab.from_string("0 4 1 * *")
        <crontab: 0 4 1 * * (m/h/dM/MY/d)>
        """
        fields = crontab.split()
        if len(fields) != 5:
            raise InvalidSchedule(
                "crontab: expected five fields (minute, hour, day of the month, month, day of the week),"
                f" got {crontab!r}"
            )
        minute, hour, day_of_month, month_of_year, day_of_week = fields
        return cls(minute, hour, day_of_week, day_of_month, month_of_year, nowfun, app, tz=tz)

    def next_after(self, moment: datetime) -> datetime | None:
        start = checked_moment(moment)
        if start.year > LAST_YEAR:
            return None
        clock = WallClock(self.tz)
        time = clock.time_at(start)
        if (repetition := clock.repetition_at(time)) is not None:
            return self._next_in_repetition(clock, time, repetition)
        return self._first_from(clock, _minute_after(time))

    @property
    def own_zone(self) -> tzinfo | None:
        """The zone that was given for this crontab alone."""
        return self._own_zone

    @property
    def tz(self) -> tzinfo:
        """The zone that the fields are read in: the crontab's own, the application's, or UTC."""
        return self._own_zone or super().tz

    @tz.setter
    def tz(self, zone: tzinfo | str | None) -> None:
        self._own_zone = time_zone(zone) if zone is not None else None

    @property
    def expression(self) -> str:
        """The crontab as ``from_string`` takes it."""
        fields = (
            self._orig_minute,
            self._orig_hour,
            self._orig_day_of_month,
            self._orig_month_of_year,
            self._orig_day_of_week,
        )
        return " ".join("".join(field.split()) for field in fields)

    @property
    def human_readable(self) -> str:
        zone = f" ({self._own_zone})" if self._own_zone is not None else ""
        return describe(self._times) + zone

    def _next_in_repetition(
        self, clock: WallClock, time: datetime, repetition: Repetition
    ) -> datetime | None:
        """The next due moment after one whose local time the clock shows twice."""
        both_count = self._times.every_hour or self._times.every_minute
        later = self._times.first_from(_minute_after(time))
        if later is not None and later < repetition.end and (time.fold == 0 or both_count):
            return clock.moment_of(later.replace(fold=time.fold))
        if time.fold == 0 and both_count:
            again = self._times.first_from(repetition.begin)
            if again is not None and again < repetition.end:
                return clock.moment_of(again.replace(fold=1))
        return self._first_from(clock, repetition.end)

    def _first_from(self, clock: WallClock, start: datetime) -> datetime | None:
        """The first due moment at a local time that is not before ``start``."""
        while (time := self._times.first_from(start)) is not None:
            if (moment := clock.moment_of(time)) is not None:
                return moment
            gap = clock.gap_at(time)
            if not self._times.every_hour:
                return gap.moment
            start = gap.end
        return None

    def _may_still_start(self, now: datetime) -> bool:
        """False where the latest run that was missed is older than ``beat_cron_starting_deadline``."""
        deadline = self.app.conf.beat_cron_starting_deadline if self.app is not None else None
        if deadline is None:
            return True
        latest = self.next_after(now - timedelta(seconds=deadline) - timedelta.resolution)
        return latest is not None and latest <= now

    def __repr__(self) -> str:
        return f"<crontab: {self.expression} (m/h/dM/MY/d)>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, crontab):
            return NotImplemented
        mine = (self._times, self._own_zone, self.nowfun)
        return mine == (other._times, other._own_zone, other.nowfun)

    def __hash__(self) -> int:
        return hash(self._times)

    def __reduce__(self) -> tuple[Any, ...]:
        # The application is not part of the rule: who unpickles it has one of their own.
        fields = (
            self._orig_minute,
            self._orig_hour,
            self._orig_day_of_week,
            self._orig_day_of_month,
            self._orig_month_of_year,
        )
        return partial(type(self), *fields, nowfun=self.nowfun, tz=self._own_zone), ()


def _minute_after(time: datetime) -> datetime:
    """The first whole minute later than this local time."""
    return time.replace(second=0, microsecond=0, fold=0) + timedelta(minutes=1)
