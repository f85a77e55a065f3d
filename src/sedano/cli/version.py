"""Which Sedano this is. Never imports more than the standard library."""

import platform
from importlib.metadata import PackageNotFoundError, version


def version_of(distribution: str) -> str | None:
    """The installed version of a distribution; None if it is not installed.

    >>> version_of("no-such-distribution") is None
    True
    """
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def version_line() -> str:
    """What ``sedano --version`` prints."""
    return f"sedano {version_of('sedano') or 'unknown'} (Python {platform.python_version()})"
