"""What coroutines do with a task: publish calls of it, and run it here.

A base of ``Task``, and of nothing else. Never blocks an event loop.
"""

from collections.abc import AsyncIterable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, Unpack, cast

from sedano.loops import steps
from sedano.loops.steps import Steps
from sedano.results.async_result import AsyncResult
from sedano.results.eager_result import EagerResult
from sedano.tasks import eager_calls, publishing_many
from sedano.tasks.call_arguments import CallArguments, check_shape
from sedano.tasks.options import NO_OPTIONS, CallOptions, SharedOptions, TaskOptions

if TYPE_CHECKING:
    from sedano.tasks.task import Task

P = ParamSpec("P")
R = TypeVar("R")


class TaskCoroutines(Generic[P, R]):
    """The part of a task that is awaited."""

    async def adelay(self, *args: P.args, **kwargs: P.kwargs) -> AsyncResult[R]:
        """``delay`` for coroutines: ``result = await add.adelay(2, 2)``.

        Raises:
            As ``delay``.
        """
        return await self.aapply_async(args, kwargs)

    async def aapply_async(
        self,
        args: Any = None,
        kwargs: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncResult[R]:
        """``apply_async`` for coroutines: ``await add.aapply_async((2, 2), countdown=10)``.

        Cancelled, it may have published the call or not.

        Args:
            args: Positional arguments, a list or a tuple.
            kwargs: Keyword arguments.
            options: See ``options.CallOptions``.

        Raises:
            As ``apply_async``.
        """
        # Imported here: it brings asyncio.
        from sedano.tasks import async_calls

        task = _whole(self)
        application = task.app
        if application.settings.tasks.always_eager and not task.has_own_apply_async:
            call = TaskOptions.from_call(options) if options else NO_OPTIONS
            args, kwargs = _checked(task, args, kwargs)
            return await steps.run_on_loop(eager_calls.steps_of(task, args, kwargs, call))
        return await async_calls.carry_out(application, lambda: task.apply_async(args, kwargs, **options))

    async def apublish_many(
        self,
        calls: Iterable[CallArguments[P]] | AsyncIterable[CallArguments[P]],
        **options: Unpack[SharedOptions],
    ) -> list[AsyncResult[R]]:
        """``publish_many`` for coroutines: many calls, 500 in one round trip.

        Args:
            calls: As for ``publish_many``; also an asynchronous generator, such as Django's ``aiterator()``.
            options: As for ``apply_async``, and the same for all calls.

        Returns:
            The calls' results, in order.

        Raises:
            As ``publish_many``.
        """
        task = _whole(self)
        shared = publishing_many.shared_options(options)
        application = task.app
        if application.settings.tasks.always_eager:
            return await publishing_many.arun_eagerly(task, calls, shared)
        return task._results_of(await publishing_many.apublish(task, calls, shared), shared)

    async def aapply(
        self,
        args: Any = None,
        kwargs: Mapping[str, Any] | None = None,
        throw: bool | None = None,
        **options: Unpack[CallOptions],
    ) -> EagerResult[R]:
        """``apply`` for coroutines: run the task here and now, and wait for it.

        A coroutine task runs on this event loop; another one in a thread.

        Args:
            args: Positional arguments, a list or a tuple.
            kwargs: Keyword arguments.
            throw: Raise what the task raises; None leaves it to ``task_eager_propagates``.
            options: As for ``apply_async``.
        """
        return await steps.run_on_loop(self._eager_steps(args, kwargs, throw, **options))

    def _eager_steps(
        self,
        args: Any = None,
        kwargs: Mapping[str, Any] | None = None,
        throw: bool | None = None,
        **options: Unpack[CallOptions],
    ) -> Steps[EagerResult[R]]:
        """``apply`` in steps, for an event loop as well."""
        task = _whole(self)
        args, kwargs = check_shape(args, kwargs)
        return task.app.eager.steps(task, args, kwargs, TaskOptions.from_call(options), throw=throw)


def _checked(task: "Task[..., Any]", args: Any, kwargs: Any) -> tuple[Any, Mapping[str, Any]]:
    args, kwargs = check_shape(args, kwargs)
    if task.typing:
        task.call_signature.check(args, kwargs)
    return args, kwargs


def _whole(part: TaskCoroutines[P, R]) -> "Task[P, R]":
    return cast("Task[P, R]", part)
