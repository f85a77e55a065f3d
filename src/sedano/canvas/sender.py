"""What signatures need of the application: the port that ``Sedano`` fulfils."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from sedano.results.async_result import AsyncResult
from sedano.results.result_source import ResultSource

if TYPE_CHECKING:
    from sedano.canvas.plan import Plan


class Runnable(Protocol):
    """A task, as seen by its signatures."""

    name: str
    ignore_result: bool

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function, here and now, as if it were no task."""

    def apply_async(
        self, args: Any = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> AsyncResult[Any]:
        """Publish a call."""

    def apply(
        self, args: Any = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> AsyncResult[Any]:
        """Run the task here and now."""


class Sender(ResultSource, Protocol):
    """The application, as seen by signatures."""

    @property
    def tasks(self) -> Mapping[str, Any]:
        """The tasks that this process knows (``Runnable``), by name."""

    @property
    def send_task(self) -> Callable[..., AsyncResult[Any]]:
        """Publish a call of a task by its name."""

    def publish_plan(self, plan: "Plan", options: Mapping[str, Any]) -> None:
        """Publish all of a plan.

        Args:
            plan: What to publish.
            options: What the call said of publishing: ``on_commit``, ``retry``, ``retry_policy``, and
                ``add_to_parent``. Other options stand in the calls already.
        """
