"""A zone's wall clock: when it shows a time, the times it leaves out, and the times it shows twice.

Used by the schedules that are told in local time. Local times are naive datetimes; the second showing of a
repeated one has ``fold=1``. Works for every ``tzinfo`` that knows ``fold`` (PEP 495), whatever the size of
the change.
"""

import contextlib
import os
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sedano.scheduler.invalid_schedule import InvalidSchedule

#: Zones change their clocks at whole seconds.
SECOND: Final = timedelta(seconds=1)


class Gap(NamedTuple):
    """Times that the clock left out when it was put forward."""

    #: When the clock was put forward, in UTC.
    moment: datetime
    #: What it showed then: the first time that it did not leave out.
    end: datetime


class Repetition(NamedTuple):
    """Times that the clock shows twice, having been put back: from ``begin`` until before ``end``."""

    begin: datetime
    end: datetime


class WallClock:
    """The wall clock of one zone.

    >>> rome = WallClock(ZoneInfo("Europe/Rome"))
    >>> rome.moment_of(datetime(2026, 3, 29, 2, 30)) is None
    True
    >>> rome.gap_at(datetime(2026, 3, 29, 2, 30)).end.isoformat()
    '2026-03-29T03:00:00'
    """

    __slots__ = ("_zone",)

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone

    def time_at(self, moment: datetime) -> datetime:
        """What the clock shows at a moment."""
        return moment.astimezone(self._zone).replace(tzinfo=None)

    def moment_of(self, time: datetime) -> datetime | None:
        """When the clock shows this time, in UTC: at the first or, with ``fold=1``, the second showing.

        None for a time that the clock leaves out.
        """
        moment = time.replace(tzinfo=self._zone).astimezone(UTC)
        return moment if self.time_at(moment) == time else None

    def gap_at(self, time: datetime) -> Gap:
        """The gap that holds a time which the clock leaves out."""
        before, after = self._offsets(time)
        moment = self._change_between(time - after, time - before)
        return Gap(moment, self.time_at(moment))

    def repetition_at(self, time: datetime) -> Repetition | None:
        """The repeated times that this time, which the clock does show, is one of."""
        first, second = self._offsets(time)
        if first == second:
            return None
        moment = self._change_between(time - first, time - second)
        change = moment.replace(tzinfo=None)
        return Repetition(begin=change + second, end=change + first)

    def _offsets(self, time: datetime) -> tuple[timedelta, timedelta]:
        """The offsets to UTC before and after the change that is around this time; the same without one."""
        local = time.replace(tzinfo=self._zone)
        before, after = local.replace(fold=0).utcoffset(), local.replace(fold=1).utcoffset()
        assert before is not None
        assert after is not None
        return before, after

    def _change_between(self, early: datetime, late: datetime) -> datetime:
        """The moment after ``early``, at ``late`` the latest, when the offset changes; both are in UTC."""
        before = early.replace(microsecond=0, tzinfo=UTC)
        span = -((before - late.replace(tzinfo=UTC)) // SECOND)
        old_offset = before.astimezone(self._zone).utcoffset()
        unchanged, changed = 0, span
        while changed - unchanged > 1:
            middle = (unchanged + changed) // 2
            if (before + middle * SECOND).astimezone(self._zone).utcoffset() == old_offset:
                unchanged = middle
            else:
                changed = middle
        return before + changed * SECOND


def time_zone(zone: tzinfo | str) -> tzinfo:
    """The zone itself, or the IANA zone of this name.

    >>> time_zone("Europe/Rome").key
    'Europe/Rome'
    """
    if isinstance(zone, tzinfo):
        # pytz's zones know nothing of fold; the zones of the same name do.
        name = getattr(zone, "zone", None)
        return ZoneInfo(name) if isinstance(name, str) else zone
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InvalidSchedule(
            f"tz: expected an IANA time zone such as 'Europe/Rome', got {zone!r}"
        ) from error


def local_zone() -> tzinfo:
    """The zone of this machine: the environment's ``TZ``, or what ``/etc/localtime`` points to.

    Where neither names one, the present offset from UTC, which does not change with the season.
    """
    target = os.environ.get("TZ", "").removeprefix(":")
    if not target:
        with contextlib.suppress(OSError):
            target = str(Path("/etc/localtime").readlink())
    name = target.rpartition("zoneinfo/")[2]
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, IsADirectoryError):
        return datetime.now().astimezone().tzinfo or UTC
