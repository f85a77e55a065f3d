"""The schedule of a single run. Made by users through ``sedano.schedules``; never repeats."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sedano.scheduler.schedule import Schedule, ScheduleState, SchedulingApp, checked_moment, in_utc


class clocked(Schedule):
    """Runs once, at this moment.

    >>> clocked(datetime(2026, 10, 1, 9, 30)).human_readable
    'once, at 2026-10-01 09:30:00+00:00'

    Args:
        clocked_time: The moment. A naive one is in UTC.
        nowfun: Gives the present moment.
        app: Gives the present moment where there is no ``nowfun``.
    """

    def __init__(
        self,
        clocked_time: datetime,
        nowfun: Callable[[], datetime] | None = None,
        app: SchedulingApp | None = None,
    ) -> None:
        super().__init__(nowfun=nowfun, app=app)
        if not isinstance(clocked_time, datetime):
            raise TypeError(f"clocked_time: expected a datetime, got {clocked_time!r}")
        self.clocked_time = clocked_time if clocked_time.utcoffset() is not None else in_utc(clocked_time)

    def next_after(self, moment: datetime) -> datetime | None:
        due = in_utc(self.clocked_time)
        return due if due > checked_moment(moment) else None

    def is_due(self, last_run_at: datetime | None) -> ScheduleState:
        """As for every schedule; None says that the task has not run yet."""
        return super().is_due(last_run_at if last_run_at is not None else self._before())

    def remaining_estimate(self, last_run_at: datetime | None) -> timedelta:
        """As for every schedule; None says that the task has not run yet."""
        return super().remaining_estimate(last_run_at if last_run_at is not None else self._before())

    @property
    def human_readable(self) -> str:
        return f"once, at {self.clocked_time}"

    def _before(self) -> datetime:
        return in_utc(self.clocked_time) - timedelta.resolution

    def __repr__(self) -> str:
        return f"<clocked: {self.clocked_time}>"

    def __eq__(self, other: object) -> bool:
        return self.clocked_time == other.clocked_time if isinstance(other, clocked) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.clocked_time)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.clocked_time, self.nowfun)
