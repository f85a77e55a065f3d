"""What an application gives out: results, signatures, the class of its tasks; and how it publishes a plan.

A base of ``Sedano``, and of nothing else. Never opens a connection itself.
"""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar, Unpack, cast

from sedano.canvas.signature import Signature, signature
from sedano.results import async_result, group_result, result_set
from sedano.results.result_base import ResultBase
from sedano.tasks import revoking, workflows
from sedano.tasks.call_arguments import check_shape
from sedano.tasks.options import NO_OPTIONS, CallOptions, TaskOptions
from sedano.tasks.request import worker_request
from sedano.tasks.task import result_of_call

if TYPE_CHECKING:
    from sedano.app import Sedano
    from sedano.canvas.plan import Plan

T = TypeVar("T")

#: What is said of a workflow's publishing, and not of its calls.
_OF_PUBLISHING: Final = frozenset({"on_commit", "retry", "retry_policy", "add_to_parent"})


class AppWorkflows:
    """The part of an application that concerns results and workflows, mostly."""

    @property
    def Task(self) -> Any:
        """The class of tasks that name none, to be derived from: ``class Audited(app.Task)``."""
        return _whole(self)._default_class()

    def AsyncResult(self, id: str, **kwargs: Any) -> async_result.AsyncResult[Any]:
        """The result of a task, by its id."""
        return async_result.AsyncResult(id, app=_whole(self), **kwargs)

    @cached_property
    def GroupResult(self) -> type[group_result.GroupResult]:
        """The class of the results of this application's groups: ``app.GroupResult.restore(group_id)``."""
        return group_result.bound_to(_whole(self))

    def ResultSet(self, results: Iterable[ResultBase] = ()) -> result_set.ResultSet:
        """Any results, to be waited for together."""
        return result_set.ResultSet(results, app=_whole(self))

    def result_of(
        self, id: str, members: Sequence[ResultBase] | None, *, parent: ResultBase | None
    ) -> ResultBase:
        """The result of the task of this id; of the group of this id where there are members."""
        if members is None:
            return async_result.AsyncResult(id, app=_whole(self), parent=parent)
        return group_result.GroupResult(id, members, parent=parent, app=_whole(self))

    def signature(self, task: Any, *args: Any, **kwargs: Any) -> Signature[Any]:
        """A call of this application's, to be made later: ``app.signature("proj.add", args=(2, 2))``."""
        kwargs["app"] = _whole(self)
        return signature(task, *args, **kwargs)

    def publish_plan(self, plan: "Plan", options: Mapping[str, Any]) -> None:
        """Publish what starts a workflow; called by signatures.

        Args:
            plan: What to publish.
            options: As for ``apply_async``. The calls of the plan have their own already.

        Raises:
            ConfigurationError: the workflow needs a result store, and there is none.
            As ``Task.apply_async``.
        """
        own = {name: value for name, value in options.items() if name in _OF_PUBLISHING}
        workflows.publish(_whole(self), plan, TaskOptions.from_call(own))

    async def publish_from_loop(self, publish: Callable[[], T]) -> T:
        """Call what publishes, and send what it publishes without blocking the running event loop."""
        # Imported here: it brings asyncio.
        from sedano.tasks import async_calls

        return await async_calls.carry_out(_whole(self), publish)

    def send_task(
        self,
        name: str,
        args: Any = None,
        kwargs: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> async_result.AsyncResult[Any]:
        """Publish a call of a task by its name: this process need not know it.

        Args:
            name: The task's registered name.
            args: Positional arguments, a list or a tuple.
            kwargs: Keyword arguments.
            options: As for ``Task.apply_async``.
        """
        call = TaskOptions.from_call(options) if options else NO_OPTIONS
        args, kwargs = check_shape(args, kwargs)
        app = _whole(self)
        if app.settings.tasks.always_eager:
            warnings.warn("task_always_eager has no effect on send_task", RuntimeWarning, stacklevel=2)
        task = app.tasks.get(name)
        publication = app.publisher.prepare(name, args, kwargs, call, task=task)
        app.publisher.publish((publication,), call, task=task)
        return result_of_call(app, publication.task_id, call, task)

    async def asend_task(
        self,
        name: str,
        args: Any = None,
        kwargs: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> async_result.AsyncResult[Any]:
        """``send_task`` for coroutines. The arguments are the same."""
        app = _whole(self)
        return await self.publish_from_loop(lambda: app.send_task(name, args, kwargs, **options))

    # -- the port to the application, as its results see it

    def revoke(self, *task_ids: str) -> set[str]:
        """Forbid tasks, unless nodes hold them; those whose messages were there."""
        return revoking.revoke(_whole(self), *task_ids)

    def has_message(self, task_id: str) -> bool:
        """Whether the broker has a message of this task, in whatever state."""
        return _whole(self).broker.admin.find(task_id) is not None

    def inside_task(self) -> bool:
        """Whether a worker's task is running here."""
        return (request := worker_request()) is not None and not request.is_eager


def _whole(part: AppWorkflows) -> "Sedano":
    return cast("Sedano", part)
