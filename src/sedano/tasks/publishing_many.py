"""Many calls of one task at once: ``Task.publish_many``.

Called by the task. Takes the calls no faster than it sends them, so there may be any number. Never talks to
a broker itself.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from sedano.brokers.publication import Publication
from sedano.errors import ConfigurationError, SedanoError
from sedano.results.async_result import AsyncResult
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
            raise ConfigurationError(f"{name}: calls that are published together cannot share one.")
    return shared


def publish(task: "Task[..., Any]", calls: Iterable[CallArguments[...]], options: TaskOptions) -> list[str]:
    """Publish the calls; their ids. See ``Task.publish_many``."""
    return Batches(task.app.publisher, options, task=task).publish(_prepared(task, calls, options))


def run_eagerly(
    task: "Task[..., Any]", calls: Iterable[CallArguments[...]], options: TaskOptions
) -> list[AsyncResult[Any]]:
    """Run them here and now; as many as would be published together are checked before the first runs."""
    publisher = task.app.publisher
    results: list[AsyncResult[Any]] = []
    rest = iter(calls)
    while batch := [_checked(task, call) for call in islice(rest, MOST_MESSAGES)]:
        results += [publisher.run_eagerly(task, args, kwargs, options) for args, kwargs in batch]
    return results


def _prepared(
    task: "Task[..., Any]", calls: Iterable[CallArguments[...]], options: TaskOptions
) -> Iterator[Publication]:
    publisher = task.app.publisher
    for number, call in enumerate(calls, start=1):
        try:
            args, kwargs = _checked(task, call)
            publication = publisher.prepare(task.name, args, kwargs, options, task=task)
        except SedanoError as error:
            error.add_note(f"This is call number {number}.")
            raise
        yield publication


def _checked(task: "Task[..., Any]", call: CallArguments[...]) -> tuple[Sequence[Any], Mapping[str, Any]]:
    args, kwargs = unpacked(call)
    if task.typing:
        task.call_signature.check(args, kwargs)
    return args, kwargs
