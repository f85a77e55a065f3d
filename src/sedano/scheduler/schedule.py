"""What every schedule can tell: the next due moment, and from it what Celery's schedules tell.

The scheduler asks ``next_after``; code written for Celery asks ``is_due`` and ``remaining_estimate``. A
schedule keeps no history: when its task last ran is always told to it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final, NamedTuple, Protocol

from sedano.clock import SystemClock

#: What ``remaining_estimate`` says of a schedule that has no further run.
NEVER: Final = timedelta.max


class ScheduleState(NamedTuple):
    """Celery's ``schedstate``."""

    #: The task is to run now.
    is_due: bool
    #: Seconds until the schedule should be asked again; None: never.
    next: float | None


class SchedulingApp(Protocol):
    """What a schedule asks of its application."""

    @property
    def timezone(self) -> tzinfo:
        """The zone of the schedules that have none of their own."""

    @property
    def conf(self) -> Any:
        """The settings, under Celery's names."""

    def now(self) -> datetime:
        """The present moment."""


class Schedule(ABC):
    """A rule that says when a task is due.

    Args:
        nowfun: Gives the present moment; a naive one is in UTC. Without it, the application does.
        app: Gives the time zone and the present moment; without it: UTC, and the machine's clock.
    """

    def __init__(
        self, nowfun: Callable[[], datetime] | None = None, app: SchedulingApp | None = None
    ) -> None:
        self.nowfun = nowfun
        #: Set by ``maybe_schedule`` where a schedule was made without.
        self.app = app

    @abstractmethod
    def next_after(self, moment: datetime) -> datetime | None:
        """The first due moment later than this one, in UTC; None where there is none.

        Raises ValueError for a moment without a time zone.
        """

    @property
    @abstractmethod
    def human_readable(self) -> str:
        """The rule in a few words."""

    @property
    def tz(self) -> tzinfo:
        """The zone that the schedule is read in."""
        return self.app.timezone if self.app is not None else UTC

    def now(self) -> datetime:
        """The present moment."""
        if self.nowfun is not None:
            return self.nowfun()
        return self.app.now() if self.app is not None else SystemClock().now()

    def is_due(self, last_run_at: datetime) -> ScheduleState:
        """Whether the task is due now, and in how many seconds to ask again.

        However many runs were missed, the task is due once. A naive ``last_run_at`` is in UTC.
        """
        now = in_utc(self.now())
        due = self.next_after(in_utc(last_run_at))
        if due is None or due > now:
            return ScheduleState(False, _seconds_between(now, due))
        return ScheduleState(self._may_still_start(now), _seconds_between(now, self.next_after(now)))

    def remaining_estimate(self, last_run_at: datetime) -> timedelta:
        """How long until the task is due; negative where it is overdue, ``NEVER`` for never."""
        due = self.next_after(in_utc(last_run_at))
        return due - in_utc(self.now()) if due is not None else NEVER

    def _may_still_start(self, now: datetime) -> bool:
        """Whether a run that was due before now, or is due now, may start."""
        return True


def in_utc(moment: datetime) -> datetime:
    """The moment in UTC. A naive one is taken for UTC, as Celery does.

    >>> in_utc(datetime(2026, 1, 1)).isoformat()
    '2026-01-01T00:00:00+00:00'
    """
    return moment.replace(tzinfo=UTC) if moment.utcoffset() is None else moment.astimezone(UTC)


def checked_moment(moment: datetime) -> datetime:
    """The moment in UTC; raises ValueError where it has no time zone."""
    if moment.utcoffset() is None:
        raise ValueError(f"{moment!r} has no time zone, so that it is no moment")
    return moment.astimezone(UTC)


def _seconds_between(now: datetime, due: datetime | None) -> float | None:
    return (due - now).total_seconds() if due is not None else None
