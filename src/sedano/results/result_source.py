"""The port to the application, as its results see it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from sedano.loops.threads import Runner
from sedano.results.store import ResultStore

if TYPE_CHECKING:
    from sedano.clock import Clock
    from sedano.results.result_base import ResultBase
    from sedano.settings.sections import Settings


class ResultSource(Protocol):
    """What results need of the application."""

    @property
    def clock(self) -> "Clock": ...

    @property
    def settings(self) -> "Settings": ...

    @property
    def results(self) -> ResultStore | None: ...

    @property
    def run_blocking(self) -> Runner:
        """Where synchronous code that may take long runs on behalf of coroutines."""

    def result_of(
        self, id: str, members: "Sequence[ResultBase] | None", *, parent: "ResultBase | None"
    ) -> "ResultBase":
        """The result of the task of this id; of the group of this id where there are members."""

    def inside_task(self) -> bool:
        """Whether a worker's task is running here."""

    def revoke(self, *task_ids: str) -> set[str]:
        """Forbid tasks, unless nodes hold them; those whose messages were there."""

    def has_message(self, task_id: str) -> bool:
        """Whether the broker has a message of this task, in whatever state."""
