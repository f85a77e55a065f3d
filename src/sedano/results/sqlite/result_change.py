"""Whether some results have changed since a thread last looked.

Used by ``SqliteResultStore.wait``. Never sleeps.
"""

import sqlite3
from collections.abc import Callable, Mapping


def data_version(connection: sqlite3.Connection) -> int:
    """A number that changes when another connection commits to the database."""
    (version,) = connection.execute("PRAGMA data_version").fetchone()
    return int(version)


class ResultChange:
    """One wait's memory of what was there.

    Args:
        look: Reads the documents of the results that are waited for.
        version: The ``data_version`` when this thread last read a result. A commit since then may have
            brought what it waits for. None if it never did.
    """

    def __init__(
        self, *, look: Callable[[sqlite3.Connection], Mapping[str, bytes]], version: int | None
    ) -> None:
        self._look = look
        self._version = version
        self._before: Mapping[str, bytes] | None = None

    def has_come(self, connection: sqlite3.Connection) -> bool:
        """Look again. A commit that changed other rows is no change."""
        version = data_version(connection)
        if self._before is None:
            if self._version is not None and version != self._version:
                return True
            self._before = self._look(connection)
        elif version != self._version and self._look(connection) != self._before:
            return True
        self._version = version
        return False
