"""The floor of ``delay()``: one process sends a finished message and waits for the answer, 20,000 times.

    .venv-bench/bin/python benchmarks/floors/publish.py

Three times: where the system likes, with client and server on one core, and on two (Linux).
"""

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from benchmarks.floors.bare_connection import BareConnection, celery_message
from benchmarks.redis_server import private_redis

MESSAGES: Final = 20_000


def main() -> None:
    """Print messages per second."""
    every_core = sorted(os.sched_getaffinity(0))
    one, other = every_core[:1], every_core[-1:]
    for name, ours, theirs in (
        ("anywhere", every_core, every_core),
        ("one core", one, one),
        ("two cores", one, other),
    ):
        print(f"{name}: {_publish(ours, theirs):,.0f} messages/s")


def _publish(ours: list[int], theirs: list[int]) -> float:
    with tempfile.TemporaryDirectory() as folder, private_redis(Path(folder), {}, {}) as server:
        psutil.Process().cpu_affinity(ours)
        psutil.Process(server.pid).cpu_affinity(theirs)
        connection = BareConnection(server.port)
        message = celery_message()
        started = time.perf_counter()
        for _ in range(MESSAGES):
            connection.ask(b"LPUSH", b"celery", message)
        return MESSAGES / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
