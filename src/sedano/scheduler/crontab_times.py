"""The local times that a crontab's numbers name, found field by field.

Asked by ``sedano.scheduler.crontab``. Knows the calendar and no time zone: it never asks whether a clock
shows them.
"""

from bisect import bisect_left
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from sedano.scheduler.invalid_schedule import InvalidSchedule

#: A year later, sums with time zones pass the end of Python's calendar.
LAST_YEAR: Final = 9998

LONGEST_MONTHS: Final = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}


@dataclass(frozen=True, slots=True)
class CrontabTimes:
    """The minutes, hours and days at which a crontab is due: a day must be in all of its three sets."""

    minutes: frozenset[int]
    hours: frozenset[int]
    weekdays: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]

    def check_that_they_occur(self) -> None:
        """Raise InvalidSchedule where no month has such a day: 30 February."""
        if not any(day <= LONGEST_MONTHS.get(month, 31) for month in self.months for day in self.days):
            raise InvalidSchedule(
                f"day_of_month: none of the days {sorted(self.days)} is ever"
                f" in a month of month_of_year, {sorted(self.months)}"
            )

    @property
    def every_minute(self) -> bool:
        return len(self.minutes) == 60

    @property
    def every_hour(self) -> bool:
        return len(self.hours) == 24

    @property
    def every_day(self) -> bool:
        return (len(self.weekdays), len(self.days), len(self.months)) == (7, 31, 12)

    def first_from(self, start: datetime) -> datetime | None:
        """The first of these times that is not before ``start``; None in the last years of the calendar."""
        if start.second or start.microsecond:
            start = start.replace(second=0, microsecond=0) + timedelta(minutes=1)
        today = start.date()
        day = self._first_day_from(today)
        if day == today:
            if (found := self._first_time_from(start.hour, start.minute)) is not None:
                return datetime.combine(today, found)
            day = self._first_day_from(today + timedelta(days=1))
        return datetime.combine(day, time(min(self.hours), min(self.minutes))) if day is not None else None

    def _first_time_from(self, hour: int, minute: int) -> time | None:
        if hour in self.hours and (later := [due for due in self.minutes if due >= minute]):
            return time(hour, min(later))
        if later := [due for due in self.hours if due > hour]:
            return time(min(later), min(self.minutes))
        return None

    def _first_day_from(self, start: date) -> date | None:
        year, month, earliest = start.year, start.month, start.day
        months, days = sorted(self.months), sorted(self.days)
        while year <= LAST_YEAR:
            if month in self.months:
                # Python's weeks begin with Monday, a crontab's with Sunday.
                weekday_before, length = monthrange(year, month)
                for day in days[bisect_left(days, earliest) :]:
                    if day <= length and (weekday_before + day) % 7 in self.weekdays:
                        return date(year, month, day)
            place = bisect_left(months, month + 1)
            if place == len(months):
                year, place = year + 1, 0
            month, earliest = months[place], 1
        return None
