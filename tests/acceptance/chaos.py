"""What a chaos test does and looks at: customers who never stop ordering, a record of all deaths, the audit.

Used by the chaos tests. Starts no worker and kills nothing itself.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from sedano import AsyncResult
from sedano.exceptions import OperationalError
from tests.acceptance.workers import Journal

#: Between two orders. Seconds.
PACE: Final = 0.012
#: A run's end may not have been reported yet when its process died: the 10 ms that reports wait, with room
#: for a busy machine. Seconds.
UNREPORTED: Final = 0.25
#: How long workers take to find a server again that is back. Seconds.
RESUMED: Final = 5.0


class Customers:
    """Publish tasks in a thread, one after the other, until enough were taken."""

    def __init__(self, order: Callable[[int], AsyncResult], *, orders: int) -> None:
        self._order = order
        self._orders = orders
        self._pause = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        #: Results of the calls that returned, by the task's key.
        self.accepted: dict[str, AsyncResult] = {}
        #: Keys of the calls that raised: they may have been taken all the same.
        self.refused: set[str] = set()
        #: When each call began and ended.
        self.calls: dict[str, tuple[float, float]] = {}

    def start(self) -> None:
        self._thread.start()

    @property
    def are_done(self) -> bool:
        return not self._thread.is_alive()

    def _run(self) -> None:
        number = 0
        while len(self.accepted) < self._orders:
            began = time.time()
            try:
                self.accepted[str(number)] = self._order(number)
            except OperationalError:
                self.refused.add(str(number))
            self.calls[str(number)] = began, time.time()
            number += 1
            self._pause.wait(PACE)


@dataclass(frozen=True, slots=True)
class Death:
    """Processes that ended at a moment, or froze: those go on later, until they know that they lost."""

    pids: frozenset[int]
    at: float


@dataclass(slots=True)
class Outage:
    """A time without a server."""

    began: float
    ended: float = float("inf")


@dataclass(slots=True)
class Run:
    """One time that a task ran."""

    key: str
    pid: int
    began: float
    ended: float | None = None


@dataclass(slots=True)
class Record:
    """What was killed, and when."""

    deaths: list[Death] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)

    def died(self, pids: Iterable[int]) -> None:
        """Note processes that are killed now, or frozen."""
        self.deaths.append(Death(frozenset(pids), time.time()))

    def excuses(self, run: Run) -> bool:
        """Whether this run was not the last one because its process died before it had reported it."""
        return any(run.pid in death.pids and self._was_unreported(run, death.at) for death in self.deaths)

    def _was_unreported(self, run: Run, death: float) -> bool:
        if run.ended is None or run.ended >= death - UNREPORTED:
            return True
        return any(
            run.ended >= outage.began - UNREPORTED and death <= outage.ended + RESUMED
            for outage in self.outages
        )

    def cut_off(self, began: float, ended: float) -> bool:
        """Whether the server died between these moments, or was away."""
        return any(outage.began <= ended and began <= outage.ended for outage in self.outages)


def runs_of(journal: Journal) -> dict[str, list[Run]]:
    """Every run that the journal tells of, by key."""
    runs: dict[str, list[Run]] = {}
    for word, key, pid, at in journal.lines():
        if word == "start":
            runs.setdefault(key, []).append(Run(key, int(pid), float(at)))
        else:
            last = next(run for run in reversed(runs[key]) if run.pid == int(pid))
            last.ended = float(at)
    return runs


def needless(runs: Collection[Run], record: Record) -> list[Run]:
    """The runs that nothing excuses, but for the one that every task needs."""
    unexcused = [run for run in runs if not record.excuses(run)]
    return unexcused if len(unexcused) > 1 else []
