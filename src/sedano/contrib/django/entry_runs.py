"""What the admin shows of an entry's runs: the last one, how many there were, and those that come.

Only looks. Where the broker is not the site's database, an entry that is looked at begins, as if a scheduler
had seen it.
"""

from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Final

from django.apps import apps

from sedano.beat.beginnings import states_of
from sedano.beat.entry import Entry
from sedano.beat.missed import latest_moment, next_moment
from sedano.brokers.ticks import EntryState
from sedano.contrib.django.site_databases import queue_alias, results_alias

if TYPE_CHECKING:
    from sedano.app import Sedano

#: Runs that are shown.
SHOWN: Final = 10

#: A scheduler that runs has started what was due after this time, whatever else it has to do. Seconds.
OVERDUE: Final = 30.0


def ticks_alias(app: "Sedano") -> str | None:
    """The site's database that ``app.ticks`` is in; None where it is elsewhere."""
    alias = queue_alias(app)
    return results_alias(app) if alias is None and app.broker.ticks is None else alias


def known_states(app: "Sedano", entries: Collection[Entry]) -> Mapping[str, EntryState]:
    """What schedulers know of these entries. Raises what the broker raises."""
    alias = ticks_alias(app)
    if alias is None:
        return states_of(app.ticks, entries, now=app.clock.timestamp())
    # On the connection of the request: its transaction may hold the lock that another one would wait for.
    names = [entry.name for entry in entries]
    rows = apps.get_model("sedano", "Entry").objects.using(alias).filter(name__in=names)
    return {row.name: EntryState(row.since, row.last_run_at, row.runs, row.paused) for row in rows}


def is_overdue(entry: Entry, state: EntryState | None, now: float) -> bool:
    """Whether it should have run, and nobody has started it."""
    due = next_moment(entry.schedule, _since(entry, state))
    return due is not None and due < now - OVERDUE


def coming_runs(entry: Entry, state: EntryState | None, now: float, number: int = SHOWN) -> list[float]:
    """The next due moments, POSIX seconds, of an entry that is enabled and not paused."""
    if not entry.enabled or (state is not None and state.paused):
        return []
    return list(islice(_moments(entry, state, now), number))


def _moments(entry: Entry, state: EntryState | None, now: float) -> Iterator[float]:
    since = _since(entry, state)
    if since < now:
        since = latest_moment(entry.schedule, since, now)
    moment = next_moment(entry.schedule, since)
    while moment is not None:
        yield moment
        moment = next_moment(entry.schedule, moment)


def _since(entry: Entry, state: EntryState | None) -> float:
    return max(state.since if state is not None else 0.0, entry.counts_from or 0.0)
