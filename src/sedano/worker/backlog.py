"""Jobs claimed and admitted, waiting in the parent for a slot: never long.

Owned by the parent's loop.
"""

import itertools
from collections import deque
from collections.abc import Iterable

from sedano.execution.job import Job


class Backlog:
    """A queue of jobs that knows how long each has been in it (monotonic seconds)."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Job, float]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, jobs: Iterable[Job], now: float) -> None:
        """Put newly claimed jobs at the end."""
        self._waiting.extend(zip(jobs, itertools.repeat(now), strict=False))

    def put_back(self, jobs: list[Job], now: float) -> None:
        """Put recalled jobs at the front, in their order."""
        self._waiting.extendleft((job, now) for job in reversed(jobs))

    @property
    def first(self) -> Job:
        return self._waiting[0][0]

    def take(self) -> Job:
        """Remove and return the first."""
        return self._waiting.popleft()[0]

    def older_than(self, moment: float) -> bool:
        """Whether the first has been waiting since before ``moment``."""
        return bool(self._waiting) and self._waiting[0][1] < moment

    def take_all(self) -> list[Job]:
        """Remove and return all."""
        jobs = [job for job, _ in self._waiting]
        self._waiting.clear()
        return jobs
