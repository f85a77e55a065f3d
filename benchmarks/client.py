"""Runs one of the scripts in ``clients/`` as a separate process: the program that calls ``delay()``."""

import subprocess
import sys

from benchmarks.contender import HERE
from benchmarks.trial import Trial


def run_client(trial: Trial, script: str, *arguments: object) -> str:
    """Run the script with the contender's application importable, and return what it printed."""
    finished = subprocess.run(
        [sys.executable, str(HERE / "clients" / script), *map(str, arguments)],
        cwd=trial.folder,
        env=trial.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )
    if finished.returncode:
        raise RuntimeError(f"{script} failed with {trial.contender.name}:\n{finished.stderr[-4000:]}")
    return finished.stdout
