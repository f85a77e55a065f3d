"""What signatures need of the application: the port that ``Sedano`` fulfils."""

from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from sedano.loops.steps import Steps
from sedano.results.async_result import AsyncResult
from sedano.results.result_source import ResultSource

if TYPE_CHECKING:
    from sedano.canvas.plan import Plan


T = TypeVar("T")


class Runnable(Protocol):
    """A task, as seen by its signatures."""

    name: str
    ignore_result: bool

    @property
    def has_own_results(self) -> bool:
        """Whether ``AsyncResult`` is not everybody's."""

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

    async def aapply_async(
        self, args: Any = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> AsyncResult[Any]:
        """Publish a call, from a coroutine."""

    def _eager_steps(
        self, args: Any = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> Steps[AsyncResult[Any]]:
        """``apply`` in steps, for an event loop as well."""

    def AsyncResult(self, task_id: str) -> AsyncResult[Any]:
        """The result of a call, by its id."""


class Sender(ResultSource, Protocol):
    """The application, as seen by signatures."""

    @property
    def tasks(self) -> Mapping[str, Any]:
        """The tasks that this process knows (``Runnable``), by name."""

    @property
    def send_task(self) -> Callable[..., AsyncResult[Any]]:
        """Publish a call of a task by its name."""

    @property
    def asend_task(self) -> Callable[..., Coroutine[Any, Any, AsyncResult[Any]]]:
        """The same from a coroutine."""

    async def publish_from_loop(self, publish: Callable[[], T]) -> T:
        """Call what publishes, and send what it publishes without blocking the running event loop."""

    def publish_plan(self, plan: "Plan", options: Mapping[str, Any]) -> None:
        """Publish all of a plan.

        Args:
            plan: What to publish.
            options: What the call said of publishing: ``on_commit``, ``retry``, ``retry_policy``, and
                ``add_to_parent``. Other options stand in the calls already.
        """
