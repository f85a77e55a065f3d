"""How many jobs the feeder may still hand over, for each kind of slot; and what to claim next for that.

Owned by the feeder, which guards it with its lock. Only counts.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

from sedano.execution.job import Job
from sedano.execution.slot_kind import SlotKind
from sedano.worker.placement import Placement

#: Claims of so many messages cost little for each; and to choose them by task costs the broker more.
ENOUGH: Final = 64


class Wish(NamedTuple):
    """One claim."""

    limit: int
    #: None: messages of any task, also of those that this node does not know.
    tasks: Collection[str] | None = None
    #: It is for the kind with the most room alone: there may be more for the others.
    narrowed: bool = False


class Allowance:
    """Running totals rather than numbers of free slots: jobs on their way are never counted twice."""

    def __init__(self) -> None:
        self._totals: Mapping[SlotKind, int] = {}
        self._handed: Counter[SlotKind] = Counter()
        self._narrow_next = False

    def set(self, totals: Mapping[SlotKind, int]) -> bool:
        """So many jobs may have been handed over since the start; whether that is more than before."""
        grown = any(total > self._totals.get(kind, 0) for kind, total in totals.items())
        self._totals = totals
        return grown

    def room(self, kind: SlotKind) -> int:
        """How many jobs of this kind may be handed over now."""
        return max(0, self._totals.get(kind, 0) - self._handed[kind])

    def count(self, jobs: Iterable[Job]) -> None:
        """These are handed over."""
        self._handed.update([job.slot for job in jobs])

    def split(self, jobs: list[Job]) -> tuple[list[Job], list[Job]]:
        """Those that there is room for, and those that have come in vain; both in their order."""
        room = {kind: self.room(kind) for kind in {job.slot for job in jobs}}
        if all(least >= len(jobs) for least in room.values()):
            return jobs, []
        fitting: list[Job] = []
        excess: list[Job] = []
        for job in jobs:
            (fitting if room[job.slot] > 0 else excess).append(job)
            room[job.slot] -= 1
        return fitting, excess

    def wish(self, placement: Placement, *, by_task: bool) -> Wish:
        """What to claim, so that nothing is claimed which no free slot fits.

        While every kind has room, any messages will do, as many as the kind with the least room takes.
        Otherwise only messages of the tasks that fit, if the broker can tell them apart.
        """
        rooms = {kind: room for kind in placement.kinds if (room := self.room(kind))}
        if not rooms:
            return Wish(0)
        if self._narrow_next and by_task:
            widest = max(rooms, key=rooms.__getitem__)
            return Wish(rooms[widest], placement.tasks_of((widest,)), narrowed=True)
        least = min(rooms.values())
        if len(rooms) == len(placement.kinds):
            return Wish(least)
        return Wish(least, placement.tasks_of(rooms)) if by_task else Wish(0)

    def note_claimed(self, wish: Wish, count: int, placement: Placement) -> None:
        """What came of it. Where one kind has little room, claims for all are small: when such a claim comes
        back full, the next one is for the kind with the most room."""
        small = 0 < wish.limit < ENOUGH and len(placement.kinds) > 1
        self._narrow_next = small and not wish.narrowed and count >= wish.limit
