"""Keeps a scheduler beside the node: ``sedano worker -B``.

Owned by the parent's loop. The scheduler is a process of its own, forked by the zygote, which has imported
the application. One that dies is replaced; meanwhile those of other nodes go on.
"""

import logging
import socket
from typing import Final, Protocol

from sedano.backoff import ExponentialBackoff
from sedano.worker.endings import describe

logger = logging.getLogger("sedano.worker")

#: A scheduler that lived so long is not one that fails at its start. Seconds.
LIVED_WELL: Final = 60.0


class SchedulerForker(Protocol):
    """The zygote, as far as the scheduler is concerned."""

    def fork_scheduler(self, descriptor: int) -> None: ...


class Scheduling:
    """At most one scheduler, which ends when it is hung up on."""

    def __init__(self, *, wanted: bool) -> None:
        self._wanted = wanted
        self._zygote: SchedulerForker | None = None
        #: The other end of this socket is with the scheduler; that it is closed tells it to end.
        self._life: socket.socket | None = None
        self._pid: int | None = None
        self._begun_at = 0.0
        self._not_before = 0.0
        self._deaths = 0
        self._backoff = ExponentialBackoff(factor=1.0, longest=60.0, jitter=False)

    def use(self, zygote: SchedulerForker) -> None:
        """From now on the scheduler comes from this zygote: the one before has imported older code."""
        self.stop()
        self._zygote = zygote
        self._deaths, self._not_before = 0, 0.0

    def look(self, now: float) -> float | None:
        """Have the scheduler forked if there is none. When to look again (monotonic); None: no need to."""
        if not self._wanted or self._zygote is None or self._life is not None:
            return None
        if now < self._not_before:
            return self._not_before
        self._life, theirs = socket.socketpair()
        with theirs:
            self._zygote.fork_scheduler(theirs.fileno())
        self._begun_at = now
        return None

    def name(self, zygote: SchedulerForker, pid: int) -> None:
        """A zygote has forked it, or the one before."""
        if zygote is self._zygote:
            self._pid = pid

    def bury(self, pid: int, returncode: int, now: float) -> bool:
        """A process has ended; whether it was the scheduler, which nobody had told to."""
        if pid != self._pid:
            return False
        self._hang_up()
        if now - self._begun_at >= LIVED_WELL:
            self._deaths = 0
        delay = self._backoff.delay(self._deaths)
        self._deaths += 1
        self._not_before = now + delay
        logger.error(
            "The scheduler beside this worker ended (%s). It is started anew in %g s; what is due meanwhile "
            "is started by the schedulers of other workers, or then.",
            describe(returncode),
            delay,
        )
        return True

    def stop(self) -> None:
        """Have the scheduler end, and fork no other. Idempotent."""
        self._hang_up()
        self._zygote = None

    def _hang_up(self) -> None:
        if self._life is not None:
            self._life.close()
        self._life = self._pid = None
