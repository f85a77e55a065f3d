"""How late a scheduler is: 1,000 entries that are due every second, for a minute.

    .venv/bin/python benchmarks/floors/beat_drift.py [--broker redis] [--entries 1000] [--seconds 60]

Starts real `sedano beat` processes, and watches the queue. A message is late by the time from its due moment
to when it is there for a worker. All entries are due at the same moments, which is the worst case. Prints
the lateness in milliseconds, and what memory a scheduler has at the start and at the end, in MB.
"""

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import psutil
from redis import Redis

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from benchmarks.redis_server import private_redis
from sedano.brokers.opening import open_broker

#: Until the processes have imported all and begun; not counted. Seconds.
WARM_UP: Final = 5.0
#: Between two looks at the queue. Seconds.
LOOK_EVERY: Final = 0.002

#: How many messages have come since the last look.
Look = Callable[[], int]

PROJECT: Final = """
import os
from sedano import Sedano

app = Sedano("drifting", broker=os.environ["BROKER"], backend="disabled://")


@app.task(ignore_result=True)
def tick(number): ...


app.conf.beat_schedule = {
    f"entry {number}": {"task": "drifting.tick", "schedule": 1.0, "args": [number]}
    for number in range(int(os.environ["ENTRIES"]))
}
"""


def main() -> None:
    """Print the figures for each broker."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--schedulers", type=int, default=1)
    parser.add_argument("--broker", choices=("sqlite", "redis"))
    wanted = parser.parse_args()
    for name in [wanted.broker] if wanted.broker else ["sqlite", "redis"]:
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            if name == "redis":
                url = stack.enter_context(private_redis(Path(folder), {}, {})).url
                look = _look_at_redis(url)
            else:
                url = f"sqlite:///{folder}/queue.db"
                look = _look_at_sqlite(url, Path(folder, "queue.db"))
            _measure(name, url, Path(folder), look, wanted)


def _measure(name: str, url: str, folder: Path, look: Look, wanted: argparse.Namespace) -> None:
    (folder / "drifting.py").write_text(PROJECT)
    broker = open_broker(url)
    with ExitStack() as stack:
        processes = [
            stack.enter_context(_scheduler(folder, url, wanted.entries)) for _ in range(wanted.schedulers)
        ]
        _arrivals(look, WARM_UP)
        memory, used = [_memory(one) for one in processes], [_used(one) for one in processes]
        arrivals = _arrivals(look, wanted.seconds)
        later, burnt = [_memory(one) for one in processes], [_used(one) for one in processes]
    assert broker.ticks is not None
    # They were first seen in one step, so all are due at the same part of a second.
    phase = broker.ticks.states(["entry 0"], now=time.time())["entry 0"].since % 1.0
    late = sorted((moment - phase) % 1.0 * 1000 for moment, count in arrivals for _ in range(count))
    print(
        f"{name:7} {len(late)} of {wanted.entries * wanted.seconds:.0f} runs"
        f"  late p50 {_part(late, 0.5):.0f}  p99 {_part(late, 0.99):.0f}  most {late[-1]:.0f} ms"
        f"  memory {_shown(memory)} -> {_shown(later)} MB"
        f"  processor {100 * (sum(burnt) - sum(used)) / wanted.seconds:.0f} %",
        flush=True,
    )
    broker.close()


@contextmanager
def _scheduler(folder: Path, url: str, entries: int) -> Iterator[psutil.Process]:
    process = subprocess.Popen(
        [sys.executable, "-m", "sedano", "-A", "drifting", "beat"],
        cwd=folder,
        env={**os.environ, "BROKER": url, "ENTRIES": str(entries)},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


def _arrivals(look: Look, seconds: float) -> list[tuple[float, int]]:
    """When messages came within these seconds, and how many."""
    found: list[tuple[float, int]] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if count := look():
            found.append((time.time(), count))
        else:
            time.sleep(LOOK_EVERY)
    return found


def _look_at_redis(url: str) -> Look:
    client = Redis.from_url(url)
    return lambda: len(client.rpop("celery", 10_000) or ())


def _look_at_sqlite(url: str, path: Path) -> Look:
    open_broker(url).admin.queues()  # makes the tables
    connection = sqlite3.connect(path)
    newest = 0

    def look() -> int:
        nonlocal newest
        (now,) = connection.execute("SELECT coalesce(max(id), 0) FROM sedano_message").fetchone()
        before, newest = newest, now
        return int(now - before)

    return look


def _memory(process: psutil.Process) -> float:
    return process.memory_info().rss / 1e6


def _used(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _part(figures: list[float], part: float) -> float:
    return figures[min(len(figures) - 1, int(len(figures) * part))]


def _shown(figures: list[float]) -> str:
    return "/".join(f"{figure:.1f}" for figure in figures)


if __name__ == "__main__":
    main()
