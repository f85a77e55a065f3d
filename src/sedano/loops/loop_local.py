"""One value for each event loop: made in it, and closed when it ends.

Used for connections, which belong to a loop. Any number of loops may run, each in its thread. Never starts a
task.
"""

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncGenerator, Callable
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    """What can be kept for a loop."""

    def close(self) -> None:
        """Close what it holds. Idempotent; used again, it opens again. Called in its loop."""


C = TypeVar("C", bound=Closable)


class LoopLocal(Generic[C]):
    """The values. Thread-safe; a forked child has none of its parent's.

    Args:
        make: Makes the value of the running loop.
    """

    def __init__(self, make: Callable[[], C]) -> None:
        self._make = make
        self._lock = threading.Lock()  # guards changes of the dictionary
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        #: A value, and what hears of its loop's end.
        self._values: dict[asyncio.AbstractEventLoop, tuple[C, AsyncGenerator[None, None]]] = {}

    def get(self) -> C:
        """The value of the running loop."""
        if self._pid != os.getpid():
            # Kept, lest they be closed here in the parent's name.
            self._of_the_parent = self._values
            self._lock = threading.Lock()
            self._begin()
        loop = asyncio.get_running_loop()
        found = self._values.get(loop)
        return found[0] if found is not None else self._add(loop)

    def close(self) -> None:
        """Have each value closed by its loop, soon."""
        with self._lock:
            values = list(self._values.items())
        for loop, (value, _) in values:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(value.close)

    def _add(self, loop: asyncio.AbstractEventLoop) -> C:
        value = self._make()
        end = self._at_end(loop, value)
        # The first step, taken here: from now on the loop knows the generator, and closes it when it shuts
        # down (``asyncio.run``, ``Runner``, asgiref and pytest's plugins all let it).
        with contextlib.suppress(StopIteration):
            end.__anext__().send(None)
        with self._lock:
            for closed in [one for one in self._values if one.is_closed()]:
                del self._values[closed]
            self._values[loop] = value, end
        return value

    async def _at_end(self, loop: asyncio.AbstractEventLoop, value: C) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            with self._lock:
                self._values.pop(loop, None)
            value.close()
            # Transports are closed in the next turn of the loop.
            await asyncio.sleep(0)
