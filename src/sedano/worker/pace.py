"""How long tasks of each name take: a moving average, from which frames and look-ahead are sized.

Owned by the parent's loop. Knows nothing of children or brokers.
"""

from typing import Final

#: Weight of the newest run. 1/8 forgets a change of habit within some twenty runs.
_WEIGHT: Final = 0.125
#: Added to each run: what a job costs a child around the function (decoding, result, report). Seconds.
_OVERHEAD: Final = 0.00003
#: A task is batched only when it is expected to take less than this. Seconds.
SHORT: Final = 0.0025

ENDLESS: Final = float("inf")


class Pace:
    """Expected run time per task name, in seconds."""

    def __init__(self) -> None:
        self._average: dict[str, float] = {}
        #: Of all tasks together; None until the first run.
        self.overall: float | None = None

    def note(self, task: str, runtime: float) -> None:
        """A run of ``task`` took ``runtime`` seconds."""
        runtime += _OVERHEAD
        average = self._average.get(task)
        self._average[task] = (
            runtime if average is None else max(average + _WEIGHT * (runtime - average), runtime * _WEIGHT)
        )
        overall = self.overall
        self.overall = runtime if overall is None else overall + _WEIGHT * (runtime - overall)

    def expected(self, task: str) -> float:
        """Seconds a run of ``task`` should take; endless if it never ran here, or is no short task.

        Jobs share a frame, or follow each other into a child, only as long as the sum stays small: an
        endless one always travels alone.
        """
        average = self._average.get(task)
        return average if average is not None and average < SHORT else ENDLESS

    def average(self, task: str) -> float | None:
        """Seconds a run of ``task`` takes; None if it never ran here."""
        return self._average.get(task)

    def look_ahead(self, free_slots: int, *, horizon: float, most: int) -> int:
        """How many messages ``free_slots`` slots work off within ``horizon`` seconds; at least one each.

        Zero ahead for long tasks: then only as many as there are slots.
        """
        if self.overall is None or self.overall * 2 > horizon:
            return free_slots
        return max(free_slots, min(most, int(free_slots * horizon / self.overall)))
