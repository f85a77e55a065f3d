"""Runs one of the scripts in ``clients/`` as a separate process: the program that calls ``delay()``."""

import subprocess
import sys
from pathlib import Path

from benchmarks.contender import HERE, Contender


def run_client(contender: Contender, script: str, *arguments: object, folder: Path, database: Path) -> str:
    """Run the script with the contender's application importable, and return what it printed."""
    finished = subprocess.run(
        [sys.executable, str(HERE / "clients" / script), *map(str, arguments)],
        cwd=folder,
        env=contender.environment(database),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )
    if finished.returncode:
        raise RuntimeError(f"{script} failed with {contender.name}:\n{finished.stderr[-4000:]}")
    return finished.stdout
