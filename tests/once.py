"""What takes long and comes out the same for all tests: done once in a run, of one process or several."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def filled_once(factory: pytest.TempPathFactory, name: str, fill: Callable[[Path], None]) -> Path:
    """A folder that whoever comes first fills, while the others wait for it."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # that of the run; the other is of this process
    folder = base / name
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        is_filled = base / f"{name}.filled"
        if not is_filled.exists():
            folder.mkdir(exist_ok=True)
            fill(folder)
            is_filled.touch()
    return folder
