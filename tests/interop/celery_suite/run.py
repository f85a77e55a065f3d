"""Celery's own integration tests, run against Sedano on Redis: ``make celery-suite``.

They are taken from Celery's release as they are, and run with ``import celery`` giving Sedano, beside a real
worker. Each failure must be one of ``expected``, and what is expected to fail must fail. Without a network
the first time, or without a Redis server, it is skipped, and says so.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from tests.interop.celery_suite.expected import EXPECTED, NOT_RUN, Expectation
from tests.interop.celery_suite.source import NoSource, tests_of_celery
from tests.servers.redis_server import RedisServer

ROOT: Final = Path(__file__).parents[3]
HERE: Final = "tests.interop.celery_suite"
FILES: Final = ("test_canvas.py", "test_tasks.py", "test_group_chains.py", "test_redis_backend.py")
#: Most tests wait rather than work, so there are more of these than processors.
SHARDS: Final = 8
#: Tasks at once. Celery's suite runs them one by one; some of its tests fill a queue and need it to last.
CONCURRENCY: Final = "2"

Outcomes = dict[str, dict[str, Any]]


class Shard:
    """A part of the tests: a server, a worker and a process of pytest of its own."""

    def __init__(self, number: int, shards: int, suite: Path, folder: Path, wanted: Sequence[str]) -> None:
        """The one whose number is that of the shards has the tests that need the worker beside them."""
        beside = number == shards
        self._folder = folder / f"shard-{number}"
        self._folder.mkdir()
        self._suite = suite
        self._server = RedisServer(self._folder)
        self._environment = {
            **os.environ,
            "TEST_BROKER": self._server.url,
            "TEST_BACKEND": self._server.url,
            "REDIS_HOST": "127.0.0.1",
            "REDIS_PORT": str(self._server.port),
            "PYTHONPATH": os.pathsep.join((str(suite), str(ROOT), str(ROOT / "src"))),
            "PYTHONDONTWRITEBYTECODE": "1",
            "SUITE_WORKER": "thread" if beside else "process",
        }
        self._processes: list[subprocess.Popen[bytes]] = []
        if not beside:
            self._start("worker", "-m", "sedano", "-A", f"{HERE}.worker_app", "worker", "-c", CONCURRENCY)
        self._outcomes = self._folder / "outcomes.json"
        part = "0/1" if beside else f"{number}/{shards}"
        self._tests = self._start(
            "tests",
            *("-m", "pytest", "-q", "-c", os.devnull, "--rootdir", str(suite), "--noconftest"),
            *("-p", "no:randomly", "-p", "no:cacheprovider", "-o", "python_classes=test_*"),
            *("-p", "sedano.testing.celery_fixtures", "-p", f"{HERE}.integration_fixtures"),
            *(
                "--timeout",
                "300" if os.environ.get("SUITE_SLOW") else "110",
                "--shard",
                part,
                "--outcomes",
                str(self._outcomes),
            ),
            *wanted,
        )

    def _start(self, name: str, *command: str) -> "subprocess.Popen[bytes]":
        with (self._folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=self._suite / "t" / "integration",
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    def outcomes(self) -> Outcomes:
        """What became of its tests, when they have been run."""
        self._tests.wait()
        if not self._outcomes.exists():
            raise SystemExit((self._folder / "tests.log").read_text()[-5000:])
        told: Outcomes = json.loads(self._outcomes.read_text())
        return told

    def close(self) -> None:
        """End all of it."""
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._server.stop()


@contextlib.contextmanager
def started(shards: int, suite: Path, folder: Path, wanted: Sequence[str]) -> Iterator[list[Shard]]:
    """All shards, at work."""
    running: list[Shard] = []
    try:
        for number in range(shards + 1):
            running.append(Shard(number, shards, suite, folder, wanted))
        yield running
    finally:
        for shard in running:
            shard.close()


def judged(outcomes: Outcomes, expected: Sequence[Expectation]) -> tuple[Counter[str], list[str]]:
    """How many there are of each kind, and what is wrong."""
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    needed: set[str] = set()
    for test, told in sorted(outcomes.items()):
        found = next((one for one in expected if one.covers(test)), None)
        if told["outcome"] == "skipped":
            counts["skipped by Celery"] += 1
        elif told["outcome"] == "passed":
            counts["passed"] += 1
        elif told.get("error") == "Absent":
            counts["needs Celery's inner works or remote control"] += 1
        elif found is not None:
            counts[found.kind] += 1
            needed.add(found.pattern)
        else:
            counts["unexpected"] += 1
            wrong.append(f"{test}\n    {told['error']}: {told['said'][:300]}")
    for one in NOT_RUN:
        counts[one.kind] += 1
    wrong += [
        f"{one.pattern} fails nowhere" for one in expected if one.pattern not in needed and not one.sometimes
    ]
    return counts, wrong


def main() -> int:
    """Run, and print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cache", type=Path, default=ROOT / ".cache" / "celery-suite")
    arguments.add_argument("--shards", type=int, default=SHARDS)
    arguments.add_argument("tests", nargs="*", default=FILES, help="files, or tests as pytest names them")
    arguments.add_argument("--slow", action="store_true", help="also those that wait for minutes")
    chosen = arguments.parse_args()
    if chosen.slow:
        os.environ["SUITE_SLOW"] = "1"
    try:
        suite = tests_of_celery(chosen.cache)
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            outcomes: Outcomes = {}
            with started(chosen.shards, suite, Path(folder), chosen.tests) as shards:
                for shard in shards:
                    outcomes |= shard.outcomes()
    except (NoSource, pytest.skip.Exception) as reason:
        print(f"SKIPPED: {reason}")
        return 0
    counts, wrong = judged(outcomes, EXPECTED)
    if chosen.tests != FILES:
        # What fails elsewhere need not fail in a part.
        wrong = [line for line in wrong if not line.endswith("fails nowhere")]
    print("\n".join(wrong))
    print_figures(counts, time.monotonic() - began)
    return bool(wrong)


def print_figures(counts: Mapping[str, int], seconds: float) -> None:
    """The last lines."""
    for kind, count in sorted(counts.items()):
        print(f"{count:5} {kind}")
    print(f"{sum(counts.values()):5} tests in {seconds:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
