"""How many messages one process publishes in a second: ``delay()`` in a loop, nobody working."""

from pathlib import Path
from typing import Final

from benchmarks.client import run_client
from benchmarks.contender import Contender
from benchmarks.measures.measure import Measure

CALLS: Final = 10_000
QUICK_CALLS: Final = 3_000


def _take(contender: Contender, folder: Path, quick: bool) -> float:
    calls = QUICK_CALLS if quick else CALLS
    seconds = run_client(contender, "publish.py", "noop", calls, folder=folder, database=folder / "queue.db")
    return (calls - 10) / float(seconds)


PUBLISH_RATE: Final = Measure(
    name="publish, one process", unit="messages/s", higher_is_better=True, take=_take, promised_ratio=3.0
)
