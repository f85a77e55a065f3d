"""Running tasks in the thread of a test, beside the test's own database connections.

Used by ``inline_node``, ``idle`` and ``worker_thread``. What it knows of Django it does only where Django has
been loaded.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from sedano.app import Sedano

R = TypeVar("R")

_CARE: Final = "sedano.contrib.django.connection_care"


class CoroutineThread:
    """Runs coroutines to their ends, one at a time, from a thread that may have a running event loop."""

    def __init__(self) -> None:
        # A loop of our own, so that no thread gets it as its current one.
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)

    def run(self, work: Callable[[], Coroutine[Any, Any, R]]) -> R:
        """Call the coroutine function, and wait for its result."""
        if _has_running_loop():
            context = copy_context()
            return _in_another_thread(lambda: self._runner.run(work(), context=context))
        if "django.db" in sys.modules:
            from asgiref.sync import async_to_sync

            async def run() -> R:
                return await work()

            # Queries of the coroutine run in this thread then, and see what the test has not committed.
            result: R = async_to_sync(run)()
            return result
        return self._runner.run(work(), context=copy_context())

    def close(self) -> None:
        """End the event loop."""
        if _has_running_loop():
            _in_another_thread(self._runner.close)
        else:
            self._runner.close()


def _in_another_thread(work: Callable[[], R]) -> R:
    """What no thread may do that has a running event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()


def _has_running_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@contextmanager
def callers_connections(app: "Sedano") -> Iterator[None]:
    """Leave the database connections of this thread alone: they are the test's, not a worker's."""
    care = sys.modules.get(_CARE)
    around = care.around_attempt if care is not None else None
    before = list(app.around_attempt)
    app.around_attempt[:] = [surrounding for surrounding in before if surrounding is not around]
    try:
        yield
    finally:
        app.around_attempt[:] = before


def waiting_for_commit() -> int:
    """How many functions wait for transactions of this thread to be committed."""
    if "django.db" not in sys.modules:
        return 0
    from django.db import connections

    return sum(len(connection.run_on_commit) for connection in connections.all(initialized_only=True))


def close_connections() -> None:
    """Close this thread's database connections, where it has any."""
    if "django.db" in sys.modules:
        from django.db import connections

        connections.close_all()
