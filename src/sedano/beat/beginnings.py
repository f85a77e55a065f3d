"""What is known of entries, where some of them say from when on they count.

Asked by the scheduler, and by whoever shows the schedule, so that it makes no difference who is first to see
a new entry.
"""

from collections.abc import Collection, Mapping

from msgspec.structs import replace

from sedano.beat.entry import Entry
from sedano.brokers.ticks import EntryState, TickStore


def states_of(ticks: TickStore, entries: Collection[Entry], *, now: float) -> Mapping[str, EntryState]:
    """The state of each entry; a new one begins where it says, or now.

    One whose ``counts_from`` is later than its last due moment was made anew, or changed: nothing that lies
    before is made up for.

    Args:
        now: POSIX seconds (UTC).
    """
    states = dict(ticks.states([entry.name for entry in entries], now=now))
    for entry in entries:
        state, begin = states[entry.name], entry.counts_from
        if begin is None or begin == state.since:
            continue
        is_new = state == EntryState(now)
        # If somebody else was quicker, the state that we have lets no claim succeed, and is read again then.
        if (is_new or state.since < begin) and ticks.restart(entry.name, since=state.since, now=begin):
            states[entry.name] = replace(state, since=begin)
    return states
