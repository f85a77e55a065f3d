"""The plan of a node in the test's process: it knows the application's tasks as they are at any moment.

Used by ``inline_node`` and ``worker_thread``. A node of its own processes has a list from when it started.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from sedano.cli.planning import make_plan, traits_of
from sedano.worker.options import NodeOptions
from sedano.worker.plan import NodePlan, TaskTraits

if TYPE_CHECKING:
    from sedano.app import Sedano


def plan_for_tests(
    app: "Sedano", name: str | None, queues: tuple[str, ...] | None = None, excluded: tuple[str, ...] = ()
) -> NodePlan:
    """Of one slot. Tasks may have time limits, although nobody watches them here.

    Args:
        app: The application.
        name: The node's name.
        queues: What it consumes; None means what ``sedano worker`` would.
        excluded: What it does not consume of that.
    """
    # The plan of the solo pool would refuse time limits.
    options = NodeOptions(name=name, queues=queues, exclude_queues=excluded, pool="prefork", concurrency=1)
    return msgspec.structs.replace(make_plan(app, options), pool="solo", tasks=TraitsByName(app))


class TraitsByName(Mapping[str, TaskTraits]):
    """Of every task that the application has when somebody asks: tests define some beside a worker."""

    def __init__(self, app: "Sedano") -> None:
        self._tasks = app.tasks

    def __getitem__(self, name: str) -> TaskTraits:
        task = self._tasks.get(name)
        if task is None:
            raise KeyError(name)
        return traits_of(task)

    def __iter__(self) -> Iterator[str]:
        # Of a copy: the test's thread may define a task meanwhile.
        return iter(list(self._tasks))

    def __len__(self) -> int:
        return len(self._tasks)
