"""How late a scheduler is: 1,000 entries that are due every second, for a minute.

    .venv/bin/python benchmarks/floors/beat_drift.py [--broker redis] [--entries 1000] [--seconds 60]

Starts real `sedano beat` processes, and takes their messages out as a worker does. A message is late by the
time from its due moment to when it is in a consumer's hands. All entries are due at the same moments, which
is the worst case. Prints the lateness in milliseconds, and what memory a scheduler has at the start and at
the end, in MB.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from benchmarks.redis_server import private_redis
from sedano.brokers.broker import Broker
from sedano.brokers.opening import open_broker
from sedano.brokers.settlement import Finish

#: Until the processes have imported all and begun; not counted. Seconds.
WARM_UP: Final = 5.0

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
                server = stack.enter_context(private_redis(Path(folder), {}, {}))
                url = f"redis://127.0.0.1:{server.port}/0"
            else:
                url = f"sqlite:///{folder}/queue.db"
            _measure(name, url, Path(folder), wanted)


def _measure(name: str, url: str, folder: Path, wanted: argparse.Namespace) -> None:
    (folder / "drifting.py").write_text(PROJECT)
    broker = open_broker(url)
    with ExitStack() as stack:
        processes = [
            stack.enter_context(_scheduler(folder, url, wanted.entries)) for _ in range(wanted.schedulers)
        ]
        _arrivals(broker, WARM_UP)
        memory, used = [_memory(one) for one in processes], [_used(one) for one in processes]
        arrivals = _arrivals(broker, wanted.seconds)
        later, burnt = [_memory(one) for one in processes], [_used(one) for one in processes]
    phases = _phases(broker, wanted.entries)
    late = sorted((moment - phases[number]) % 1.0 * 1000 for number, moment in arrivals)
    expected = wanted.entries * wanted.seconds
    print(
        f"{name:7} {len(late)} of {expected:.0f} runs"
        f"  late p50 {_part(late, 0.5):.0f}  p99 {_part(late, 0.99):.0f}  most {late[-1]:.0f} ms"
        f"  memory {_shown(memory)} -> {_shown(later)} MB"
        f"  processor {100 * (sum(burnt) - sum(used)) / wanted.seconds:.0f} %"
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


def _arrivals(broker: Broker, seconds: float) -> list[tuple[int, float]]:
    """What a consumer is given within these seconds: the number of the entry, and when."""
    lease = broker.lease("drift", duration=timedelta(seconds=60))
    found: list[tuple[int, float]] = []
    until, settling = time.monotonic() + seconds, []
    while time.monotonic() < until:
        deliveries = lease.claim(["celery"], 1000, settling).deliveries
        moment = time.time()
        settling = [Finish(one.tag) for one in deliveries]
        found += ((json.loads(one.envelope.body)[0][0], moment) for one in deliveries)
        if not deliveries:
            lease.wait(["celery"], 0.5)
    lease.claim(["celery"], 0, settling)
    lease.end()
    return found


def _phases(broker: Broker, entries: int) -> list[float]:
    """The part of a second at which each entry is due."""
    assert broker.ticks is not None
    states = broker.ticks.states([f"entry {number}" for number in range(entries)], now=time.time())
    return [states[f"entry {number}"].since % 1.0 for number in range(entries)]


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
