"""How a node leaves: drain, then stop what did not finish in time, then go.

SIGTERM, SIGINT or SIGHUP begins the drain; a second one, or SIGQUIT, ends it at once. Nothing is lost by
either: what had not begun, and what was cut short, goes back to the broker uncounted.
"""

import enum
import logging
import signal
from collections.abc import Callable

from sedano.worker.crew import Crew
from sedano.worker.herald_words import WorkerShuttingDown
from sedano.worker.plan import NodePlan

logger = logging.getLogger("sedano.worker")


class _Stage(enum.Enum):
    WORKING = "working"
    DRAINING = "draining"
    ENDING = "ending"


class Shutdown:
    """The stages of leaving. Owned by the parent's loop."""

    def __init__(self, crew: Crew, plan: NodePlan, tell: Callable[[WorkerShuttingDown], object]) -> None:
        self._crew = crew
        self._tell = tell
        self._grace = plan.soft_shutdown_timeout
        self._stage = _Stage.WORKING
        self._deadline = 0.0

    @property
    def has_begun(self) -> bool:
        return self._stage is not _Stage.WORKING

    @property
    def is_done(self) -> bool:
        """Nothing is left to wait for."""
        return self.has_begun and not self._crew.children

    def heed(self, number: int, now: float) -> None:
        """React to a signal."""
        name = signal.Signals(number).name
        if number == signal.SIGQUIT or self.has_begun:
            logger.warning("%s: stopping at once; running tasks go back to their queues", name)
            if self._stage is not _Stage.ENDING:
                self._tell(WorkerShuttingDown(name, "Cold"))
            self._end()
            return
        logger.warning(
            "%s: draining. Running tasks have %g s to finish; once more stops them at once", name, self._grace
        )
        self._tell(WorkerShuttingDown(name, "Warm"))
        self._stage = _Stage.DRAINING
        self._deadline = now + self._grace
        self._crew.drain()

    def give_up(self) -> None:
        """The node cannot go on: leave now."""
        self._end()

    def tick(self, now: float) -> float | None:
        """End the drain when its time is up. Returns when to look again (monotonic)."""
        if self._stage is not _Stage.DRAINING:
            return None
        if now >= self._deadline:
            logger.warning("Some tasks did not finish in %g s; they go back to their queues", self._grace)
            self._end()
            return None
        return self._deadline

    def _end(self) -> None:
        if self._stage is not _Stage.ENDING:
            self._stage = _Stage.ENDING
            self._crew.drain()
            self._crew.kill_all("the node stopped")
