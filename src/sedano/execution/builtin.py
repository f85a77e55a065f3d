"""The tasks that every application has, under Celery's names: clients send them as parts of workflows.

Registered by the application when it is made. Hidden where tasks are listed for people.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sedano.errors import ChordError, NotSupported
from sedano.execution.chord_unlock import chord_unlock
from sedano.tasks.declaration import declare
from sedano.tasks.task import Task

if TYPE_CHECKING:
    from sedano.tasks.application import Application

#: Expired results that are deleted in one step.
PRUNED_AT_ONCE: Final = 1000

Self = Task[..., Any]


def builtin_tasks(app: "Application") -> list[Task[..., Any]]:
    """New ones, of this application."""
    tasks = []
    for name, function in _FUNCTIONS.items():
        task = declare(function, {"bind": True, **_OPTIONS.get(name, {})}, name=name, base=Task)
        task.app = app
        tasks.append(task)
    return tasks


def _accumulate(self: Self, *args: Any, index: int | None = None, **kwargs: Any) -> Any:
    """What comes in, or one of it: the end of a group that has taken a task's place."""
    return args if index is None else args[index]


def _map(self: Self, task: Mapping[str, Any], it: Iterable[Any]) -> list[Any]:
    """Call a task's function with each item, one after the other."""
    return _call_each(self, task, ((item,) for item in it))


def _starmap(self: Self, task: Mapping[str, Any], it: Iterable[Sequence[Any]]) -> list[Any]:
    """Call a task's function with the items of each item as arguments, one after the other."""
    return _call_each(self, task, it)


def _call_each(self: Self, signature: Mapping[str, Any], calls: Iterable[Sequence[Any]]) -> list[Any]:
    task = self.app.tasks[signature["task"]]
    if not task.is_coroutine:
        return [task(*args) for args in calls]
    # Imported here: only workers get here, and programs that publish need no event loop.
    import asyncio

    async def run() -> list[Any]:
        return [await task(*args) for args in calls]

    return asyncio.run(run())


def _chunks(self: Self, task: Mapping[str, Any], it: Iterable[Any], n: int) -> Any:
    """Publish a task's calls, so many in one message."""
    from sedano.canvas import chunks

    return chunks(task, it, n, app=self.app).apply_async().as_tuple()


def _group(
    self: Self,
    tasks: Iterable[Mapping[str, Any]],
    result: Any = None,
    group_id: str | None = None,
    partial_args: Sequence[Any] = (),
    add_to_parent: bool = True,
) -> Any:
    """Publish a group's members; sent by clients of long ago."""
    from sedano.canvas import group

    return group(tasks, app=self.app).apply_async(partial_args, task_id=group_id).as_tuple()


def _chord(
    self: Self, header: Any, body: Mapping[str, Any], partial_args: Sequence[Any] = (), **kwargs: Any
) -> Any:
    """Publish a chord's header; sent by clients of long ago."""
    from sedano.canvas import chord

    return chord(header, body, app=self.app).apply_async(partial_args).as_tuple()


def _chain(self: Self, *args: Any, **kwargs: Any) -> None:
    """A chain is sent step by step, and never as a task."""
    raise NotSupported("celery.chain: a chain is not a task; publish it with its own apply_async().")


def _backend_cleanup(self: Self) -> None:
    """Delete the results that have expired."""
    store = self.app.results
    while store is not None and store.prune(limit=PRUNED_AT_ONCE) >= PRUNED_AT_ONCE:
        pass


_FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "celery.accumulate": _accumulate,
    "celery.backend_cleanup": _backend_cleanup,
    "celery.chain": _chain,
    "celery.chord": _chord,
    "celery.chord_unlock": chord_unlock,
    "celery.chunks": _chunks,
    "celery.group": _group,
    "celery.map": _map,
    "celery.starmap": _starmap,
}

_OPTIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "celery.chord_unlock": {"max_retries": None, "ignore_result": True, "throws": (ChordError,)},
}
