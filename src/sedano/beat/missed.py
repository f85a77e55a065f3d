"""Which runs of an entry are to be started now, given the last one: the policies for runs that were missed.

Asked by the scheduler. Only computes.
"""

import math
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from sedano.beat.entry import Entry
from sedano.scheduler.interval import schedule
from sedano.scheduler.schedule import Schedule

#: Runs that are started in one go, where each missed one counts.
MOST_AT_ONCE: Final = 100

#: An entry cannot be ahead of the clock by more than this, and by more than one of its own periods. Seconds.
CLOCKS_AGREE: Final = 60.0


class Due(NamedTuple):
    """One due moment: POSIX seconds (UTC), and whether the task is to be run."""

    moment: float
    run: bool


def due_moments(entry: Entry, since: float, now: float) -> list[Due]:
    """The moments to be claimed now, in their order; those that are left out lead to the next one.

    Args:
        since: The last one that was claimed, or when the entry was first seen. POSIX seconds.
        now: POSIX seconds.
    """
    first = next_moment(entry.schedule, since)
    if first is None or first > now:
        return []
    if entry.missed == "all":
        return _each(entry, since, now)
    # For intervals that is a sum, which may fall short of the first one by less than a microsecond.
    last = max(first, latest_moment(entry.schedule, since, now))
    return [Due(last, entry.grace is None or now - last <= entry.grace)]


def _each(entry: Entry, since: float, now: float) -> list[Due]:
    found: list[Due] = []
    if entry.grace is not None and since < now - entry.grace:
        # What lies before the grace is left out in one step.
        too_old = latest_moment(entry.schedule, since, math.nextafter(now - entry.grace, 0.0))
        if too_old > since:
            found.append(Due(too_old, False))
            since = too_old
    while len(found) < MOST_AT_ONCE and (moment := next_moment(entry.schedule, since)) is not None:
        if moment > now:
            break
        found.append(Due(moment, True))
        since = moment
    return found


def next_moment(rule: Schedule, since: float) -> float | None:
    """The first due moment after another one, POSIX seconds; None if there is none.

    Raises:
        ValueError: The schedule, one of the user's own, names one that is not later.
    """
    start = datetime.fromtimestamp(since, UTC)
    moment = rule.next_after(start)
    if moment is None:
        return None
    if moment.utcoffset() is None or moment <= start:
        # Without the moments: an error that is the same each time is told once.
        raise ValueError(
            "next_after has to name a moment with a time zone, later than the one that it is given"
        )
    return moment.timestamp()


def latest_moment(rule: Schedule, since: float, until: float) -> float:
    """The last due moment after ``since`` and not after ``until``; ``since`` itself if there is none."""
    if isinstance(rule, schedule) and not rule.relative:
        # The rhythm goes on from ``since``, however long ago that was.
        periods = int((until - since) // rule.seconds)
        return since + max(0, periods) * rule.seconds
    latest = since
    # Steps back from the end, each twice as long as the one before, until one reaches a due moment: an entry
    # that runs every minute, and was not looked at for a year, is not asked half a million times.
    step = 1.0
    while until - step > since:
        moment = next_moment(rule, until - step)
        if moment is not None and moment <= until:
            latest = until - step
            break
        step *= 2
    while (moment := next_moment(rule, latest)) is not None and moment <= until:
        latest = moment
    return latest


def is_impossible(rule: Schedule, since: float, now: float) -> bool:
    """Whether ``since`` lies so far ahead that a clock must have been wrong: now, or when it was written."""
    ahead = since - now
    if ahead <= CLOCKS_AGREE:
        return False
    following = next_moment(rule, since)
    period = timedelta.max.total_seconds() if following is None else following - since
    return ahead > period
