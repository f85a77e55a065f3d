"""How long to wait before the next try.

Called by retrying tasks, by crash attempts and by reconnecting clients. Never sleeps itself.
"""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ExponentialBackoff:
    """Delays that double: ``factor * 2**tries`` seconds, at most ``longest``.

    With ``jitter`` the delay is drawn uniformly between nothing and that, so that many clients that
    failed together do not come back together ("full jitter", AWS Architecture Blog, 2015).

    >>> ExponentialBackoff(factor=1.0, longest=10.0, jitter=False).delay(3)
    8.0
    """

    factor: float = 1.0
    longest: float = 600.0
    jitter: bool = True

    def delay(self, tries: int) -> float:
        """Seconds to wait after ``tries`` tries have failed before this one (0 at the first failure)."""
        # 2.0 ** 1024 overflows; nobody waits longer than 2 ** 64 seconds.
        delay = min(self.longest, self.factor * 2.0 ** min(tries, 64))
        return random.uniform(0.0, delay) if self.jitter else delay
