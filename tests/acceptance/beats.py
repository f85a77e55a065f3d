"""A project with a schedule, and real schedulers for it."""

import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID

from tests.acceptance.workers import Worker

PROJECT = """
import os
from sedano import Sedano

app = Sedano(
    "scheduled", broker=os.environ["PROJECT_BROKER"], backend=os.environ.get("PROJECT_RESULTS")
)
app.conf.beat_schedule = {
    f"tick{number or ''}": {"task": "scheduled.tick", "schedule": 1.0}
    for number in range(int(os.environ.get("PROJECT_ENTRIES", "1")))
}


@app.task
def tick():
    with open(os.environ["JOURNAL"], "a") as journal:
        journal.write("tick\\n")
"""


class Beat(Worker):
    """One ``sedano beat`` in a process group of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.log = directory / f"beat-{time.monotonic_ns()}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sedano", "-A", "scheduled", "beat", "-l", "INFO"],
                cwd=directory,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def started(self) -> int:
        """How many runs it has started."""
        return self.text().count("Sending due task tick")


def published_at(task_id: str) -> float:
    """When an id was made: its first 48 bits are milliseconds."""
    return (UUID(task_id).int >> 80) / 1000
