"""Which kind of slot each task of a node needs, and which tasks the node leaves to others for want of it.

Asked by ``admission`` for every delivery, and by the feeder about what to claim. Never knows what is free.
"""

from collections.abc import Collection, Mapping

from sedano.execution.slot_kind import ASYNCIO, PREFORK, THREADS, SlotKind
from sedano.worker.plan import NodePlan, TaskTraits
from sedano.worker.posts import places


class Placement:
    """The rules, for one plan."""

    def __init__(self, plan: NodePlan) -> None:
        posts = plan.posts
        self._usual: SlotKind = THREADS if places(posts, THREADS) else PREFORK
        self._has_prefork = places(posts, PREFORK) > 0
        self._solo = plan.pool == "solo"
        here: dict[str, SlotKind] = {}
        elsewhere: dict[str, SlotKind] = {}
        for name, traits in plan.tasks.items():
            kind = self.slot_for(traits, traits.time_limit or plan.time_limit)
            (here if self._solo or places(posts, kind) else elsewhere)[name] = kind
        #: Task -> the slots it runs in, for the tasks that this node runs.
        self.here: Mapping[str, SlotKind] = here
        #: Task -> the slots it asks for, for those that it leaves to other nodes.
        self.elsewhere: Mapping[str, SlotKind] = elsewhere
        #: The kinds of slots that this node's tasks need.
        self.kinds: frozenset[SlotKind] = frozenset(here.values()) or frozenset({self._usual})

    def slot_for(self, traits: TaskTraits, time_limit: float | None, *, crashed: bool = False) -> SlotKind:
        """The kind of slot for one run of a task.

        Where there are threads, functions run in them; but a function with a hard limit, and one whose last
        run ended with its process, runs where it can be killed alone, and be told from the others.
        """
        if self._solo:
            return PREFORK
        if traits.is_coroutine:
            return ASYNCIO
        if self._has_prefork and (time_limit or crashed) and traits.pool != THREADS:
            return PREFORK
        return traits.pool or self._usual

    def slot_of(self, task: str) -> SlotKind:
        """The kind of slot that a task runs in as a rule; of an unknown one, that of functions."""
        return self.here.get(task, self._usual)

    def tasks_of(self, kinds: Collection[SlotKind]) -> list[str]:
        """The names of the tasks that run in slots of these kinds."""
        return [name for name, kind in self.here.items() if kind in kinds]
