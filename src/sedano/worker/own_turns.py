"""The turns of a task whose limit a node keeps for itself, beside other nodes that do the same.

Kept by ``rate_limits``.
"""

import math
from collections import Counter
from typing import Final

from sedano.brokers.turns import FARTHEST, Turns

#: So many messages are sent to each turn, as it is chance which node gets them. With two, several nodes reach
#: nine tenths of their limits, with one two thirds. Those that come in vain are sent away again: for 20
#: starts a second that is 2 % of a processor.
FOR_EACH_TURN: Final = 2

#: So many messages a second come back that have no turn of their own yet, whichever node gets them: so a node
#: that was started later soon finds somebody for its turns. 1 % of a processor. While few wait, they are sent
#: away for ``NEAREST`` seconds, and fewer come; while very many wait, for ``turns.FARTHEST``.
COMING_BACK: Final = 100.0
NEAREST: Final = 4.0


class OwnTurns(Turns):
    """Knows about how many messages wait, of those that this node sent away."""

    __slots__ = ("_away",)

    def __init__(self) -> None:
        super().__init__()
        #: How many come back until each second, whichever node gets them.
        self._away: Counter[int] = Counter()

    def give(self, now: float, seconds: float, count: int, *, most: int) -> list[float]:
        """As ``take``."""
        starting = self.start(now, seconds, min(count, most))
        waiting = count - starting
        for second in [second for second in self._away if second <= now]:
            del self._away[second]
        farthest = max(NEAREST, (self._away.total() + waiting) / COMING_BACK)
        farthest = max(2 * seconds, min(farthest, FARTHEST))
        away = self.send_away(now, seconds / FOR_EACH_TURN, waiting, farthest=farthest)
        self._away.update(map(math.ceil, away))
        return [0.0] * starting + away
