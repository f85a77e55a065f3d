"""Where a SQLite database is, read from a URL: shared by the broker and the result store.

Never opens the file.
"""

import os
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sedano.errors import ConfigurationError, did_you_mean

#: Option -> the values it may have; the first is the default.
_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "synchronous": ("normal", "full"),
    "schema": ("create", "external"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteLocation:
    """One database file, and how it is used.

    >>> SqliteLocation.from_url("sqlite:///jobs.db?synchronous=full", base_dir=Path("/srv")).path
    PosixPath('/srv/jobs.db')
    """

    path: Path
    #: ``normal`` survives the death of any process, ``full`` that of the machine as well.
    synchronous: str = "normal"
    #: ``external``: somebody else makes the tables (Django's migrations).
    schema: str = "create"

    @classmethod
    def from_url(
        cls, url: str, *, base_dir: Path, options: Mapping[str, Any] | None = None
    ) -> "SqliteLocation":
        """Read ``sqlite:///relative.db`` (to ``base_dir``) or ``sqlite:////absolute.db``.

        Args:
            url: Its query may hold the options as well, and goes before them.
            base_dir: What a relative path is relative to.
            options: ``synchronous`` and ``schema``.
        """
        parts = urllib.parse.urlsplit(url)
        name = urllib.parse.unquote(parts.path[1:])
        if parts.netloc or not name or name == ":memory:":
            raise ConfigurationError(
                f"{url!r} names no database file. Write sqlite:///sedano.db for a file beside the program, "
                "sqlite:////srv/sedano.db for an absolute path, or memory:// for tests."
            )
        given = dict(options or {}) | dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
        path = Path(os.path.abspath(base_dir / Path(name).expanduser()))  # noqa: PTH100 - keeps symbolic links
        return cls(path=path, **_checked(given))

    @property
    def identity(self) -> str:
        """The same text for the same file, by whatever path it was named."""
        return f"sqlite:{os.path.realpath(self.path)}"


def _checked(given: Mapping[str, Any]) -> dict[str, str]:
    for name, value in given.items():
        values = _OPTIONS.get(name)
        if values is None:
            raise ConfigurationError(
                f"SQLite has no option {name!r}.{did_you_mean(name, _OPTIONS)} It has: {', '.join(_OPTIONS)}."
            )
        if value not in values:
            raise ConfigurationError(
                f"SQLite's option {name}: expected {' or '.join(values)}, got {value!r}."
            )
    return dict(given)
