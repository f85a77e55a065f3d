"""A timeout for somebody else's silence.

As ``asyncio.timeout``, but time in which this loop was too busy to listen is not held against the other side:
an answer that has come is heard first.
"""

import asyncio
from types import TracebackType
from typing import Final

#: The time is counted in so many portions. One that took longer than two of them was ours to wait for.
_PORTIONS: Final = 20


class LoopTimeout:
    """Ends its block with ``TimeoutError``.

    Args:
        seconds: In which the loop turns.
    """

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._portion = seconds / _PORTIONS

    async def __aenter__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeout = asyncio.timeout(None)
        await self._timeout.__aenter__()
        self._counted_at = self._loop.time()
        self._timer = self._loop.call_later(self._portion, self._count)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        await self._timeout.__aexit__(kind, error, traceback)

    def _count(self) -> None:
        now = self._loop.time()
        self._left -= min(now - self._counted_at, 2 * self._portion)
        self._counted_at = now
        if self._left <= 0:
            self._timeout.reschedule(now)
        else:
            self._timer = self._loop.call_later(self._portion, self._count)
