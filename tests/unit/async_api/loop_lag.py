"""How long an event loop was kept from turning.

Used by tests of what must not block it.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class LoopLag:
    """The longest pause, in seconds."""

    longest = 0.0


@asynccontextmanager
async def loop_lag() -> AsyncIterator[LoopLag]:
    """Measures while the block lasts."""
    lag = LoopLag()
    watching = asyncio.create_task(wait_and_measure(lag))
    try:
        yield lag
    finally:
        watching.cancel()


async def wait_and_measure(lag: LoopLag) -> None:
    while True:
        began = time.monotonic()
        await asyncio.sleep(0.005)
        lag.longest = max(lag.longest, time.monotonic() - began - 0.005)


async def wait_until(is_so: object, *, at_most: float = 20.0) -> None:
    """Until the probe says yes."""
    assert callable(is_so)
    deadline = time.monotonic() + at_most
    while not is_so():
        assert time.monotonic() < deadline, "It never came."
        await asyncio.sleep(0.005)
