"""What an error of SQLite means, in words for people: shared by the broker and the result store.

Called at the one seam of each adapter. Raises nothing: it returns a diagnosis.
"""

import sqlite3
from dataclasses import dataclass
from typing import Final

from sedano.sql.sqlite_location import SqliteLocation

#: The low byte of an extended result code is the primary one (sqlite.org/rescode.html).
_PRIMARY: Final = 0xFF

#: Another connection is in the way, for now.
_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What went wrong, and what kind of thing it is."""

    reason: str
    #: It may go away by itself: trying again is worthwhile.
    passing: bool = False
    #: The user has to change a path, a permission or a setting.
    configuration: bool = False


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection held a lock: the same statement will succeed in a moment."""
    return _primary_code(error) in _BUSY


def diagnose(error: sqlite3.Error, location: SqliteLocation) -> Diagnosis:
    """Say what an error means for the database at this location."""
    path = location.path
    text = str(error)
    code = _primary_code(error)
    if code in _BUSY:
        return Diagnosis(f"{path} is locked by another process ({text})", passing=True)
    if code == sqlite3.SQLITE_FULL:
        return Diagnosis(f"the disk is full, {path} cannot grow ({text})", passing=True)
    if code == sqlite3.SQLITE_IOERR:
        return Diagnosis(f"{path} could not be read or written ({text})", passing=True)
    if code == sqlite3.SQLITE_CANTOPEN:
        return _diagnose_opening(location, text)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return Diagnosis(
            f"{path} cannot be written ({text}). This user needs to be allowed to write the file and its "
            "directory: SQLite keeps two more files beside it.",
            configuration=True,
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return Diagnosis(
            f"{path} is damaged, or no SQLite database ({text}). Move it away to start with an empty one; "
            f"what can be saved of it: sqlite3 {path} .recover"
        )
    if "no such table" in text and location.schema == "external":
        return Diagnosis(
            f"{path} does not have all of Sedano's tables ({text}). Run: manage.py migrate",
            configuration=True,
        )
    return Diagnosis(f"{path}: {text}")


def _diagnose_opening(location: SqliteLocation, text: str) -> Diagnosis:
    path = location.path
    if not path.parent.is_dir():
        return Diagnosis(f"{path} cannot be opened: there is no directory {path.parent}", configuration=True)
    if path.is_dir():
        return Diagnosis(f"{path} cannot be opened: it is a directory", configuration=True)
    return Diagnosis(
        f"{path} cannot be opened ({text}). Is this user allowed to read and write it, and its directory?",
        configuration=True,
    )


def _primary_code(error: sqlite3.Error) -> int:
    # Errors that the Python module raises by itself (a closed connection) carry no code.
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return code & _PRIMARY
