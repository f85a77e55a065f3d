"""The file in which a worker leaves its process id, for those who start and stop it."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import psutil

from sedano.errors import ConfigurationError


@contextlib.contextmanager
def pidfile(path: str | None) -> Iterator[None]:
    """Write this process's id while the block runs; None does nothing.

    Raises:
        ConfigurationError: the process that the file names lives, or the file cannot be written.
    """
    if path is None:
        yield
        return
    file = Path(path)
    other = _pid_in(file)
    if other is not None and other != os.getpid() and psutil.pid_exists(other):
        raise ConfigurationError(
            f"{path} says that a worker runs with process id {other}. Stop it, or give another --pidfile."
        )
    try:
        file.write_text(f"{os.getpid()}\n")
    except OSError as error:
        raise ConfigurationError(f"--pidfile: {path} cannot be written: {error.strerror}.") from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            file.unlink()


def _pid_in(file: Path) -> int | None:
    """What the file says; None if it is not there. A file that holds no number belongs to a dead process."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None
