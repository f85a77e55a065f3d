"""Many calls of one task at once: ``Task.publish_many``, ``Task.apublish_many``.

Called by the task. Takes the calls no faster than it sends them, so there may be any number. Never talks to
a broker itself.
"""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from sedano.brokers.publication import Publication
from sedano.errors import ConfigurationError, SedanoError
from sedano.loops import steps
from sedano.results.async_result import AsyncResult
from sedano.tasks import eager_calls
from sedano.tasks.batches import MOST_MESSAGES, Batches
from sedano.tasks.call_arguments import CallArguments, unpacked
from sedano.tasks.options import TaskOptions

if TYPE_CHECKING:
    from sedano.tasks.task import Task


def shared_options(options: Mapping[str, Any]) -> TaskOptions:
    """The options of all calls, checked."""
    shared = TaskOptions.from_call(options)
    for name in ("task_id", "chain", "chord", "group_index"):
        if getattr(shared, name) is not None:
            raise ConfigurationError(
                f"{name}: calls that are published together cannot share one. Use apply_async() for it."
            )
    return shared


def publish(task: "Task[..., Any]", calls: Iterable[CallArguments[...]], options: TaskOptions) -> list[str]:
    """Publish the calls; their ids. See ``Task.publish_many``."""
    return Batches(task.app.publisher, options, task=task).publish(_prepared(task, calls, options))


async def apublish(
    task: "Task[..., Any]",
    calls: "Iterable[CallArguments[...]] | AsyncIterable[CallArguments[...]]",
    options: TaskOptions,
) -> list[str]:
    """``publish`` for coroutines."""
    # Imported here: it brings asyncio.
    from sedano.tasks.async_batches import AsyncBatches

    batches = AsyncBatches(task.app, options, task=task)
    if isinstance(calls, AsyncIterable):
        return await batches.apublish(_aprepared(task, calls, options))
    return await batches.apublish(_prepared(task, calls, options))


async def arun_eagerly(
    task: "Task[..., Any]",
    calls: "Iterable[CallArguments[...]] | AsyncIterable[CallArguments[...]]",
    options: TaskOptions,
) -> list[AsyncResult[Any]]:
    """``run_eagerly`` on the running event loop."""
    if isinstance(calls, AsyncIterable):
        calls = [call async for call in calls]
    results: list[AsyncResult[Any]] = []
    rest = iter(calls)
    while batch := [_checked(task, call) for call in islice(rest, MOST_MESSAGES)]:
        for args, kwargs in batch:
            results.append(await steps.run_on_loop(eager_calls.steps_of(task, args, kwargs, options)))
    return results


def run_eagerly(
    task: "Task[..., Any]", calls: Iterable[CallArguments[...]], options: TaskOptions
) -> list[AsyncResult[Any]]:
    """Run them here and now; as many as would be published together are checked before the first runs."""
    results: list[AsyncResult[Any]] = []
    rest = iter(calls)
    while batch := [_checked(task, call) for call in islice(rest, MOST_MESSAGES)]:
        results += [eager_calls.run(task, args, kwargs, options) for args, kwargs in batch]
    return results


def _prepared(
    task: "Task[..., Any]", calls: Iterable[CallArguments[...]], options: TaskOptions, *, first: int = 1
) -> Iterator[Publication]:
    publisher = task.app.publisher
    for number, call in enumerate(calls, start=first):
        try:
            args, kwargs = _checked(task, call)
            publication = publisher.prepare(task.name, args, kwargs, options, task=task)
        except SedanoError as error:
            error.add_note(f"This is call number {number}.")
            raise
        yield publication


async def _aprepared(
    task: "Task[..., Any]", calls: AsyncIterable[CallArguments[...]], options: TaskOptions
) -> AsyncIterator[Publication]:
    first = 1
    async for call in calls:
        for publication in _prepared(task, (call,), options, first=first):
            yield publication
        first += 1


def _checked(task: "Task[..., Any]", call: CallArguments[...]) -> tuple[Sequence[Any], Mapping[str, Any]]:
    args, kwargs = unpacked(call)
    if task.typing:
        task.call_signature.check(args, kwargs)
    return args, kwargs
