"""How long somebody goes on waiting for results, also while the store does not answer.

Used by ``Gathering``. Never looks at a result.
"""

import time
from collections.abc import Callable
from typing import Final

from sedano.backoff import ExponentialBackoff
from sedano.errors import ResultStoreUnavailable

#: Who waits for ever waits so long for a store that does not answer; Celery tries it again 20 times, a second
#: apart. Seconds.
LONGEST_OUTAGE: Final = 20.0

_BACKOFF: Final = ExponentialBackoff(factor=0.05, longest=1.0)


class Patience:
    """One wait: its deadline, and the outage of the store that it is in.

    Args:
        timeout: Seconds; None waits for ever.
        monotonic: Tells the time.
        sleep: Lets it pass.
    """

    __slots__ = ("_deadline", "_failures", "_monotonic", "_outage_began", "_sleep")

    def __init__(
        self,
        timeout: float | None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._deadline = None if timeout is None else monotonic() + timeout
        #: Tries that have failed since the store last answered.
        self._failures = 0
        self._outage_began = 0.0

    @property
    def left(self) -> float | None:
        """Seconds until the time is up; None if it never is."""
        return None if self._deadline is None else self._deadline - self._monotonic()

    def end_outage(self) -> None:
        """The store has answered."""
        self._failures = 0

    def rest(self, seconds: float) -> None:
        """Sleep, but no longer than until the time is up."""
        left = self.left
        self._sleep(max(0.0, seconds if left is None else min(seconds, left)))

    def outlast(self, error: ResultStoreUnavailable) -> None:
        """Sleep until the store is worth another try; raises the error when the patience is at its end."""
        now = self._monotonic()
        if self._failures == 0:
            self._outage_began = now
        deadline = self._outage_began + LONGEST_OUTAGE if self._deadline is None else self._deadline
        if now >= deadline:
            error.add_note(f"It has not answered for {now - self._outage_began:.1f} s.")
            raise error
        self._sleep(min(_BACKOFF.delay(self._failures), deadline - now))
        self._failures += 1
