"""Which runs of an entry are to come, and whether one should have come long ago.

Asked by whoever shows the schedule. Only computes.
"""

from collections.abc import Iterator
from typing import Final

from sedano.beat.entry import Entry
from sedano.beat.missed import latest_moment, next_moment
from sedano.brokers.ticks import EntryState

#: A scheduler that runs has started what was due after this time, whatever else it has to do. Seconds.
OVERDUE: Final = 30.0


def coming_runs(entry: Entry, state: EntryState | None, now: float) -> Iterator[float]:
    """The due moments after now, POSIX seconds; none of an entry that is not enabled, or paused.

    Args:
        state: None: no scheduler has seen it yet.
    """
    if not entry.enabled or (state is not None and state.paused):
        return
    since = _since(entry, state)
    if since < now:
        since = latest_moment(entry.schedule, since, now)
    moment = next_moment(entry.schedule, since)
    while moment is not None:
        yield moment
        moment = next_moment(entry.schedule, moment)


def is_overdue(entry: Entry, state: EntryState | None, now: float) -> bool:
    """Whether it should have run, and nobody has started it."""
    if not entry.enabled or (state is not None and state.paused):
        return False
    due = next_moment(entry.schedule, _since(entry, state))
    return due is not None and due < now - OVERDUE


def _since(entry: Entry, state: EntryState | None) -> float:
    return max(state.since if state is not None else 0.0, entry.counts_from or 0.0)
