"""What tasks need of the application: the port that ``Sedano`` fulfils."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from sedano.brokers.broker import Broker
from sedano.canvas.sender import Sender
from sedano.tasks.options import TaskOptions

if TYPE_CHECKING:
    from sedano.loops.steps import Steps
    from sedano.results.eager_result import EagerResult
    from sedano.tasks.publisher import Publisher
    from sedano.tasks.task import Task


class EagerExecution(Protocol):
    """Runs a task in the calling process."""

    def run(
        self,
        task: "Task[..., Any]",
        args: Any,
        kwargs: Mapping[str, Any],
        options: TaskOptions,
        *,
        throw: bool | None = None,
    ) -> "EagerResult[Any]":
        """Run a task to its end, retries included, and say what became of it.

        Args:
            task: The task to run.
            args: Its positional arguments.
            kwargs: Its keyword arguments.
            options: How it was called; ``retries`` and ``task_id`` of the first attempt among them.
            throw: Raise what the task raised; None leaves it to ``task_eager_propagates``.
        """

    def steps(
        self,
        task: "Task[..., Any]",
        args: Any,
        kwargs: Mapping[str, Any],
        options: TaskOptions,
        *,
        throw: bool | None = None,
    ) -> "Steps[EagerResult[Any]]":
        """``run`` in steps, for an event loop as well."""


class Application(Sender, Protocol):
    """The application, as seen by its tasks, its publisher and its results."""

    @property
    def main(self) -> str | None: ...

    @property
    def tasks(self) -> "Mapping[str, Task[..., Any]]": ...

    @property
    def broker(self) -> Broker: ...

    @property
    def publisher(self) -> "Publisher": ...

    @property
    def eager(self) -> EagerExecution: ...

    def finalize(self) -> None:
        """Give the tasks what the settings say of them, once."""
