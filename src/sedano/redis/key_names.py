"""The names of every key that the Redis broker uses.

Ready messages lie in kombu's lists, so that Celery's producers and workers share them: ``<queue>`` and, for
the other priority steps, ``<queue>\\x06\\x16<step>``. Everything else is Sedano's own and carries the list's
name as its hash tag, so that a lane and what belongs to it share one slot of a cluster. A queue whose name
has braces (``{a}b``) takes them for its tag, as the cluster does: the lane's keys then need not share its
slot, and such names are for single servers only.

| key | type | what |
|---|---|---|
| ``<lane>`` | list | ready messages; published on the left, served from the right |
| ``sedano:{<lane>}:held:<incarnation>`` | hash | tag -> claimed message |
| ``sedano:{<lane>}:due`` | sorted set | scheduled messages by their due time |
| ``sedano:{<lane>}:parked`` | hash | ``<task>\\n<name>`` -> message that no node knows |
| ``sedano:{<lane>}:dead`` | hash | key -> dead letter |
| ``sedano:{<lane>}:holders`` | set | incarnations that may claim: the fence |
| ``sedano:{<lane>}:inbox:<incarnation>`` | list | what a blocked node was given, not yet claimed |
| ``sedano:{<lane>}:paused`` | string | there while claims bring nothing |
| ``sedano:{nodes}`` | sorted set | incarnations by the end of their lease |
| ``sedano:{nodes}:<incarnation>`` | hash | a node: name, queues, when it began and renewed, what it runs |
| ``sedano:{rate:<task>}`` | hash | when a task may start whose limit all nodes keep; ends by itself |
| ``sedano:{schedule}:states`` | hash | entry of the schedule -> when it was last due, and run |
| ``sedano:{schedule}:entries`` | hash | entry made at run time -> its rule |
| ``sedano:{schedule}:changes`` | string | how often entries were changed |
| ``sedano:{schedule}:unpublished`` | list | claimed, and to be published; the oldest on the right |
| ``sedano:queues`` | set | queues that were ever used |
"""

from bisect import bisect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class KeyNames:
    """The names under one prefix.

    >>> KeyNames().lane("celery", 5)
    'celery\\x06\\x163'
    """

    prefix: str = ""
    separator: str = "\x06\x16"
    steps: tuple[int, ...] = (0, 3, 6, 9)

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> "KeyNames":
        """As the transport options ``global_keyprefix``, ``sep`` and ``priority_steps`` say."""
        return cls(
            str(options.get("global_keyprefix") or ""),
            str(options.get("sep") or cls().separator),
            tuple(sorted(int(step) for step in options.get("priority_steps") or cls().steps)),
        )

    def lane(self, queue: str, priority: int) -> str:
        """The list of a queue's messages of one priority."""
        step = self.steps[max(0, bisect(self.steps, max(0, min(9, priority))) - 1)]
        return self.lane_of_step(queue, step)

    def lane_of_step(self, queue: str, step: int) -> str:
        """The list of a queue's messages of one step."""
        return f"{self.prefix}{queue}{self.separator}{step}" if step else f"{self.prefix}{queue}"

    def first_lane(self, queue: str) -> str:
        """The most urgent list of a queue: that of messages without a priority."""
        return self.lane_of_step(queue, self.steps[0])

    def lanes(self, queue: str) -> list[str]:
        """All lists of a queue, the most urgent first."""
        return [self.lane_of_step(queue, step) for step in self.steps]

    def of_lane(self, lane: str, incarnation: str = "") -> tuple[str, ...]:
        """The keys of a lane, for scripts: those of one incarnation among them."""
        own = f"{self.prefix}sedano:{{{lane}}}"
        return (
            lane,
            f"{own}:held:{incarnation}",
            f"{own}:due",
            f"{own}:parked",
            f"{own}:dead",
            f"{own}:holders",
            f"{own}:inbox:{incarnation}",
            f"{own}:paused",
        )

    def due(self, lane: str) -> str:
        """The scheduled messages of a lane."""
        return f"{self.prefix}sedano:{{{lane}}}:due"

    @property
    def nodes(self) -> str:
        """Who holds a lease."""
        return f"{self.prefix}sedano:{{nodes}}"

    def node(self, incarnation: str) -> str:
        """One who holds a lease."""
        return f"{self.prefix}sedano:{{nodes}}:{incarnation}"

    def rate(self, task: str) -> str:
        """When a task may start whose limit all nodes keep together."""
        return f"{self.prefix}sedano:{{rate:{task}}}"

    @property
    def schedule_states(self) -> str:
        """When the entries of the schedule were last due, and run."""
        return f"{self.prefix}sedano:{{schedule}}:states"

    @property
    def schedule_entries(self) -> str:
        """The entries of the schedule that were made at run time."""
        return f"{self.prefix}sedano:{{schedule}}:entries"

    @property
    def schedule_changes(self) -> str:
        """How often entries of the schedule were changed."""
        return f"{self.prefix}sedano:{{schedule}}:changes"

    @property
    def schedule_unpublished(self) -> str:
        """Messages of the schedule whose ticks were claimed, and that have yet to be published."""
        return f"{self.prefix}sedano:{{schedule}}:unpublished"

    @property
    def queues(self) -> str:
        """The queues that were ever used."""
        return f"{self.prefix}sedano:queues"
