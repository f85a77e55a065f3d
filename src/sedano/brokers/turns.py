"""Who may start now, and when the others are to come back: the two moments of one limited task.

Kept by a node for itself, and by the memory and SQLite brokers for all nodes; ``redis/take_turns.lua`` is the
same in Lua. Never waits, and remembers no message: whoever comes at its time is asked again.
"""

import math
from typing import Final

#: A start may be early by half its distance to the one before, or by this much: processes wake up about so
#: late, and who came late must not make the next one miss its turn. Seconds.
EARLY: Final = 0.02

#: Those whose turns are closer come back together: at 1,000 a second that is a third less work. Seconds.
TOGETHER: Final = EARLY / 4

#: Turns that nobody has taken for so long, and for two turns, say that nobody may come to those ahead either:
#: they are given once more. Seconds.
UNUSED: Final = 1.0

#: Nobody is sent away for longer (but to the next turn), so that a higher limit or a purged queue is felt
#: within this time. Of a longer backlog each message comes again and again, about this often: for 100,000 of
#: them that is 2 to 3 % of a processor. Seconds.
FARTHEST: Final = 300.0

#: Moments farther ahead than they can be are of a clock that was set back, or of a lower limit. Clocks of
#: different machines differ by less. Seconds.
CLOCKS_AGREE: Final = 60.0


class Turns:
    """``next_start``: when the next one may start. ``tail``: the next moment that nobody has been sent to.

    Starts within any time are at most that time divided by ``seconds``, and one, and what fits into being
    early. (The generic cell rate algorithm, with the line of those who wait drawn up ahead.)
    """

    __slots__ = ("next_start", "tail")

    def __init__(self, next_start: float = 0.0, tail: float = 0.0) -> None:
        self.next_start = next_start
        self.tail = tail

    def take(self, now: float, seconds: float, count: int, *, most: int) -> list[float]:
        """As ``Lease.take_turns``; times are POSIX seconds."""
        starting = self.start(now, seconds, min(count, most))
        return [0.0] * starting + self.send_away(now, seconds, count - starting)

    def start(self, now: float, seconds: float, most: int) -> int:
        """How many may start now, of so many that ask."""
        early = max(seconds / 2, EARLY)
        if self.next_start > now + seconds + early + CLOCKS_AGREE:
            self.next_start = self.tail = 0.0
        if now > self.next_start + max(2 * seconds, UNUSED):
            self.tail = 0.0
        starting = 0
        while starting < most and now >= self.next_start - early:
            self.next_start = max(now, self.next_start) + seconds
            starting += 1
        return starting

    def send_away(self, now: float, seconds: float, count: int, *, farthest: float = FARTHEST) -> list[float]:
        """When so many are to come back, that may not start now; in so many seconds at the latest."""
        farthest = max(farthest, 2 * seconds)
        if self.tail > now + farthest + seconds + CLOCKS_AGREE:
            self.tail = 0.0
        self.tail = max(self.tail, self.next_start, now)
        away: list[float] = []
        while len(away) < count and self.tail <= now + farthest:
            away.append(self.tail if seconds >= TOGETHER else math.ceil(self.tail / TOGETHER) * TOGETHER)
            self.tail += seconds
        # The others come back in the second half of that time: until then all turns have been given. Those of
        # one second come together, which costs a sixth of coming one by one.
        others = count - len(away)
        return away + [math.ceil(now + farthest * (0.5 + 0.5 * place / others)) for place in range(others)]
