"""The port to other places that entries come from, besides settings, code and the broker: a site's database.

Read by the application (``app_schedule``); implemented by integrations.
"""

from typing import Protocol

from sedano.beat.entry import Entry
from sedano.errors import ConfigurationError


class EntrySource(Protocol):
    """One place. Asked by schedulers, in whatever thread they run in."""

    def entries(self) -> tuple[list[Entry], list[ConfigurationError]]:
        """Its entries, and what is wrong with those that cannot be read. Never raises."""

    def changes(self) -> object:
        """Another one than before whenever ``entries`` has to be read anew. Asked every second."""
