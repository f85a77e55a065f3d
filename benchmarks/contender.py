"""A task queue under measurement: its toy application, how its worker starts, what its table is called.

Used by every measure, so that each queue is measured in the same way. Knows nothing of what is measured.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One queue, its toy application ``bench_app`` and its SQLite table of waiting messages."""

    name: str
    #: The folder that holds its ``bench_app.py``.
    app_folder: str
    #: The table of live messages, and its ascending key: rows go when their task is done.
    message_table: str
    message_key: str

    def environment(self, database: Path) -> dict[str, str]:
        """The environment in which its application finds itself and its broker."""
        return {
            **os.environ,
            "PYTHONPATH": str(HERE / "apps" / self.app_folder),
            "BENCH_BROKER_URL": f"sqlite:///{database}",
        }

    def worker_command(self, slots: int) -> list[str]:
        """The command that starts its worker with so many processes for tasks."""
        command = str(Path(sys.executable).with_name(self.name))
        return [command, "-A", "bench_app", "worker", "-c", str(slots), "-l", "WARNING"]


SEDANO: Final = Contender(
    name="sedano", app_folder="with_sedano", message_table="sedano_message", message_key="id"
)
POTATOQ: Final = Contender(
    name="potatoq", app_folder="with_potatoq", message_table="potatoq_jobs", message_key="seq"
)
CONTENDERS: Final = (SEDANO, POTATOQ)
