"""The turns of a task whose limit a node keeps for itself, beside other nodes that do the same.

Kept by ``rate_limits``.
"""

from collections.abc import Sequence
from typing import Final

from sedano.brokers.turns import FARTHEST, Turns

#: A message that comes at its time and finds its turn taken tries once more within so many turns.
NEAR: Final = 2

#: So many messages a second come back that have no turn of their own yet, whichever node gets them: then a node
#: that has turns to give soon finds somebody for them. 0.5 % of a processor. While few wait, they are sent away for
#: ``NEAREST`` seconds and come less often; while very many wait, for ``turns.FARTHEST``.
COMING_BACK: Final = 200.0
NEAREST: Final = 2.0


class OwnTurns(Turns):
    """Which node gets a message that comes back is chance: here a turn has two, and there one has none.

    So nobody is sent away for longer than needed, and one who finds its turn taken is not sent to the end of the
    line at once. ``near`` is the next moment that none of those has been sent to; ``away`` about how many wait.
    """

    __slots__ = ("away", "near")

    def __init__(self) -> None:
        super().__init__()
        self.near = 0.0
        self.away = 0

    def give(self, now: float, seconds: float, came_back: Sequence[bool], *, most: int) -> list[float]:
        """For each message 0.0 if it may start now, and otherwise when it is to come back.

        Args:
            now: POSIX seconds.
            seconds: From one start to the next.
            came_back: Of each message that asks, whether it had been sent away before.
            most: How many of them can start now, at the most.
        """
        starting = self.start(now, seconds, min(len(came_back), most))
        self.away = max(0, self.away - sum(came_back)) + len(came_back) - starting
        waiting = [self._soon(now, seconds) if again else None for again in came_back[starting:]]
        farthest = min(max(NEAREST, self.away / COMING_BACK), FARTHEST)
        away = iter(self.send_away(now, seconds, waiting.count(None), farthest=farthest))
        return [0.0] * starting + [next(away) if due is None else due for due in waiting]

    def _soon(self, now: float, seconds: float) -> float | None:
        """A turn that is near and was given to others already; None if there is no such turn left."""
        due = max(self.next_start, self.near)
        if not now < due <= now + NEAR * seconds < self.tail:
            return None
        self.near = due + seconds
        return due
