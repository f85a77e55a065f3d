"""The floor of starting a task on an idle worker: from before LPUSH to the first line in a child.

    .venv-bench/bin/python benchmarks/floors/start_latency.py

The parent waits in BLMOVE, as a worker does that loses nothing, and hands the message to its child over a
socket pair. Prints the median of 60 lone calls, 0.2 to 0.6 s apart.
"""

import os
import random
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from benchmarks.floors.bare_connection import BareConnection, celery_message
from benchmarks.redis_server import private_redis

CALLS: Final = 60


def main() -> None:
    """Print the median in milliseconds."""
    with tempfile.TemporaryDirectory() as folder, private_redis(Path(folder), {}, {}) as server:
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        worker = os.fork()
        if worker == 0:
            _work(server.port, there)
            os._exit(0)
        connection = BareConnection(server.port)
        message = celery_message()
        figures = []
        for _ in range(CALLS):
            time.sleep(random.uniform(0.2, 0.6))
            called = time.time_ns()
            connection.ask(b"LPUSH", b"celery", message)
            figures.append((int(here.recv(64)) - called) / 1e6)
        connection.ask(b"LPUSH", b"celery", b"")
        os.waitpid(worker, 0)
        print(f"{statistics.median(figures):.2f} ms")


def _work(port: int, told: socket.socket) -> None:
    """The worker: this process and a child. An empty message ends both."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    child = os.fork()
    if child == 0:
        here.close()
        while there.recv(65536):
            told.send(str(time.time_ns()).encode())
        os._exit(0)
    there.close()
    connection = BareConnection(port)
    while message := connection.ask(b"BLMOVE", b"celery", b"held", b"RIGHT", b"LEFT", b"0"):
        here.send(message)
    here.close()
    os.waitpid(child, 0)


if __name__ == "__main__":
    main()
