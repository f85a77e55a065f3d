"""A story told once, for callers on an event loop and for those on none.

It is a generator that yields what has to be run: a coroutine, or synchronous code of the user's. Told by
eager execution; driven here. Never imports asyncio before a coroutine is to be run.
"""

import threading
from collections.abc import Callable, Coroutine, Generator
from typing import Any, NamedTuple, TypeAlias, TypeVar

from sedano.loops.threads import Runner

T = TypeVar("T")


class Blocking(NamedTuple):
    """Synchronous code that may take long."""

    function: Callable[[], Any]
    #: Where it runs on behalf of coroutines.
    elsewhere: Runner


Step: TypeAlias = Coroutine[Any, Any, Any] | Blocking
Steps: TypeAlias = Generator[Step, Any, T]


def run(steps: Steps[T]) -> T:
    """Take the steps from synchronous code."""
    try:
        step = next(steps)
        while True:
            try:
                value = step.function() if isinstance(step, Blocking) else _run_to_end(step)
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(value)
    except StopIteration as end:
        value_of_all: T = end.value
        return value_of_all


async def run_on_loop(steps: Steps[T]) -> T:
    """Take the steps on the running event loop, which nothing blocks."""
    try:
        step = next(steps)
        while True:
            try:
                value = await _taken(step)
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(value)
    except StopIteration as end:
        value_of_all: T = end.value
        return value_of_all


async def _taken(step: Step) -> Any:
    if isinstance(step, Blocking):
        return await step.elsewhere(step.function)
    import asyncio

    task = asyncio.current_task()
    assert task is not None
    cancelled_before = task.cancelling()
    value = await step
    if task.cancelling() > cancelled_before:
        # What ran the user's coroutine took this for the coroutine's own end. It is that of all.
        raise asyncio.CancelledError
    return value


def _run_to_end(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine from synchronous code, whether or not an event loop runs in this thread."""
    import asyncio
    import contextvars

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    # A loop cannot run inside a running one: give it a thread, and wait for that.
    ends: list[Any] = []
    context = contextvars.copy_context()
    thread = threading.Thread(target=lambda: ends.append(context.run(_end_of, coroutine)))
    thread.start()
    thread.join()
    value, error = ends[0]
    if error is not None:
        raise error
    return value


def _end_of(coroutine: Coroutine[Any, Any, Any]) -> tuple[Any, BaseException | None]:
    import asyncio

    try:
        return asyncio.run(coroutine), None
    except BaseException as error:
        return None, error
