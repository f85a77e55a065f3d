"""What schedulers know of the entries in the site's database, for the admin.

Only looks. Where the broker is not the site's database, an entry that is looked at begins, as if a scheduler
had seen it.
"""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from django.apps import apps

from sedano.beat.beginnings import states_of
from sedano.beat.entry import Entry
from sedano.brokers.ticks import EntryState
from sedano.contrib.django.site_databases import queue_alias, results_alias

if TYPE_CHECKING:
    from sedano.app import Sedano


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
