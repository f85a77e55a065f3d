"""Reading many entries: those that are wrong are told, and do not keep the others from running."""

from collections.abc import Mapping
from typing import Any

from sedano.beat.entry import Entry, read_entry
from sedano.errors import ConfigurationError
from sedano.scheduler.schedule import SchedulingApp


def written_entries(
    written: Mapping[str, Any], *, app: SchedulingApp | None, source: str
) -> tuple[list[Entry], list[ConfigurationError]]:
    """Entries as users write them, and what is wrong with those that cannot be read.

    >>> written = {"a": {"task": "t", "schedule": 1}, "b": {}}
    >>> entries, wrong = written_entries(written, app=None, source="code")
    >>> [entry.name for entry in entries], [str(error)[:25] for error in wrong]
    (['a'], ["the entry 'b' of the sche"])
    """
    entries: list[Entry] = []
    wrong: list[ConfigurationError] = []
    for name, one in written.items():
        try:
            entries.append(read_entry(str(name), one, app=app, source=source))
        except ConfigurationError as error:
            wrong.append(error)
    return entries, wrong
