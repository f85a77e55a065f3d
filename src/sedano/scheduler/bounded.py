"""A schedule between two moments, or the first of its runs alone.

Made by integrations whose users set such bounds. Its moments depend on nothing but what it was made with: an
interval is counted from the beginning, and not from the run before.
"""

from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Any

from sedano.scheduler.interval import schedule
from sedano.scheduler.schedule import Schedule, SchedulingApp, checked_moment, in_utc


class bounded(Schedule):
    """Runs as another schedule does, within bounds.

    >>> from datetime import UTC
    >>> nine = datetime(2026, 10, 1, 9, tzinfo=UTC)
    >>> twice = bounded(schedule(3600), since=nine, start=nine, end=nine.replace(hour=10))
    >>> str(twice.next_after(nine)), twice.next_after(nine.replace(hour=10))
    ('2026-10-01 10:00:00+00:00', None)

    Args:
        rule: The other schedule.
        since: Only moments after this one count. Intervals are counted from it.
        start: Only moments from this one on count. Intervals begin with it.
        end: Only moments up to this one count.
        once: Only the first of these moments counts.
        nowfun: Gives the present moment.
        app: Gives the present moment where there is no ``nowfun``.
    """

    def __init__(
        self,
        rule: Schedule,
        *,
        since: datetime,
        start: datetime | None = None,
        end: datetime | None = None,
        once: bool = False,
        nowfun: Callable[[], datetime] | None = None,
        app: SchedulingApp | None = None,
    ) -> None:
        super().__init__(nowfun=nowfun, app=app)
        self.rule = rule
        self.since = in_utc(since)
        self.start = None if start is None else in_utc(start)
        self.end = None if end is None else in_utc(end)
        self.once = once

    def next_after(self, moment: datetime) -> datetime | None:
        after = checked_moment(moment)
        begin = self.since if self.start is None else max(self.since, self.start - datetime.resolution)
        due = self._next(begin if self.once else max(after, begin))
        if due is None or due <= after or (self.end is not None and due > self.end):
            return None
        return due

    def _next(self, after: datetime) -> datetime | None:
        if not isinstance(self.rule, schedule) or self.rule.relative:
            return self.rule.next_after(after)
        anchor = self.start or self.since
        try:
            return anchor + ((after - anchor) // self.rule.run_every + 1) * self.rule.run_every
        except OverflowError:
            return None  # the end of Python's calendar

    @property
    def tz(self) -> tzinfo:
        """The zone that the other schedule is read in."""
        return self.rule.tz

    @property
    def human_readable(self) -> str:
        words = [self.rule.human_readable]
        if self.start is not None:
            words.append(f"from {self._shown(self.start)}")
        if self.end is not None:
            words.append(f"until {self._shown(self.end)}")
        if self.once:
            words.append("only once")
        return ", ".join(words)

    def _shown(self, moment: datetime) -> str:
        return f"{moment.astimezone(self.rule.tz):%Y-%m-%d %H:%M:%S}"

    def __repr__(self) -> str:
        return f"<bounded: {self.human_readable}>"

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, bounded) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[Any, ...]:
        return self.rule, self.since, self.start, self.end, self.once
