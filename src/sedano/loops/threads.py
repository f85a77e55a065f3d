"""Threads for what would block an event loop: a few, for the whole process.

Called by the asynchronous side of brokers and result stores that have no driver for it. Never imports asyncio
before it is used.
"""

import contextvars
import os
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, Protocol, TypeVar

T = TypeVar("T")

#: A database file has one writer at a time, and a server is asked over few connections: more would only wait.
MOST_THREADS: Final = 8


class Runner(Protocol):
    """Where synchronous code runs on behalf of coroutines."""

    def __call__(self, function: Callable[..., T], /, *args: Any) -> Awaitable[T]:
        """Call it there; what it returns or raises."""


class _Threads:
    """The threads of this process. A fork has none of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the next one
        self._executor: ThreadPoolExecutor | None = None

    def executor(self) -> ThreadPoolExecutor:
        if self._executor is None:
            with self._lock:
                if self._executor is None:
                    self._executor = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="sedano-async")
        return self._executor

    def forget(self) -> None:
        """Begin anew in a forked child."""
        self._lock = threading.Lock()
        self._executor = None


_threads: Final = _Threads()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_threads.forget)


async def in_thread(function: Callable[..., T], /, *args: Any) -> T:
    """A ``Runner``: in one of these threads, for calls of a port, which have a deadline of their own."""
    import asyncio

    call = partial(contextvars.copy_context().run, function, *args)
    return await asyncio.get_running_loop().run_in_executor(_threads.executor(), call)


async def in_any_thread(function: Callable[..., T], /, *args: Any) -> T:
    """A ``Runner``: in a thread of the loop's own, for code of users, which takes as long as it takes."""
    import asyncio

    return await asyncio.to_thread(function, *args)


async def inline(function: Callable[..., T], /, *args: Any) -> T:
    """A ``Runner``: here and now, for what takes no time."""
    return function(*args)
