"""The threads in which the queries of coroutine tasks run: each task has one of its own, as a request has.

Used by ``connection_care``. Django runs what a coroutine asks of the database in a thread, and connections
belong to threads: with one thread for all, tasks would close each other's connections in the middle of a loop
over rows.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

from asgiref.sync import SyncToAsync, ThreadSensitiveContext
from django.db import connections

#: So many threads wait for the next task; what a rush has made beyond that ends.
KEPT: Final = 32


class QueryThread(ThreadPoolExecutor):
    """One thread, which starts with the first query, and serves one task after the other.

    Args:
        open_up: Runs in it before the first query of a task.
        clear_up: Runs in it after the last one.
    """

    def __init__(self, open_up: Callable[[], None], clear_up: Callable[[], None]) -> None:
        super().__init__(max_workers=1, thread_name_prefix="sedano-query")
        self._open_up = open_up
        self._clear_up = clear_up
        self._asked = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As of every executor."""
        if not self._asked:
            self._asked = True
            super().submit(self._open_up)
        return super().submit(fn, *args, **kwargs)

    def end_task(self) -> None:
        """The task is over, and will ask no more."""
        if self._asked:
            self._asked = False
            super().submit(self._clear_up)

    def end(self) -> None:
        """It is not needed any more."""
        super().submit(connections.close_all)
        self.shutdown(wait=False)


class QueryThreads:
    """The threads of one process. Used in its event loop's thread only."""

    def __init__(self, open_up: Callable[[], None], clear_up: Callable[[], None]) -> None:
        self._open_up = open_up
        self._clear_up = clear_up
        self._waiting: list[QueryThread] = []

    @contextmanager
    def one(self) -> Iterator[None]:
        """Have the queries of this asyncio task run in a thread that no other task uses meanwhile."""
        # The one that was used last: the others' connections grow old and are closed.
        thread = self._waiting.pop() if self._waiting else QueryThread(self._open_up, self._clear_up)
        context = ThreadSensitiveContext()
        SyncToAsync.context_to_thread_executor[context] = thread
        token = SyncToAsync.thread_sensitive_context.set(context)
        try:
            yield
        finally:
            SyncToAsync.thread_sensitive_context.reset(token)
            SyncToAsync.context_to_thread_executor.pop(context, None)
            thread.end_task()
            if len(self._waiting) < KEPT:
                self._waiting.append(thread)
            else:
                thread.end()
