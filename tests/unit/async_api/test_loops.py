"""What belongs to an event loop is made in it, and closed with it."""

import asyncio
import os
import threading
import time
from collections.abc import Callable

import pytest

from sedano.loops.loop_local import LoopLocal
from sedano.loops.loop_timeout import LoopTimeout
from sedano.loops.threads import MOST_THREADS, in_thread
from tests.unit.async_api.loop_lag import wait_until


class Thing:
    """Tells when it is closed, and where."""

    def __init__(self, closed: list["Thing"]) -> None:
        self._closed = closed
        self.loop = asyncio.get_running_loop()

    def close(self) -> None:
        assert asyncio.get_running_loop() is self.loop
        self._closed.append(self)


@pytest.fixture
def closed() -> list[Thing]:
    return []


@pytest.fixture
def things(closed: list[Thing]) -> LoopLocal[Thing]:
    return LoopLocal(lambda: Thing(closed))


async def get(things: LoopLocal[Thing]) -> Thing:
    return things.get()


def test_a_loop_has_one_and_another_loop_another(things: LoopLocal[Thing]) -> None:
    async def twice() -> tuple[Thing, Thing]:
        return things.get(), await asyncio.create_task(get(things))

    first, again = asyncio.run(twice())
    other = asyncio.run(get(things))

    assert first is again
    assert first is not other


def test_it_is_closed_in_its_loop_when_that_ends(things: LoopLocal[Thing], closed: list[Thing]) -> None:
    thing = asyncio.run(get(things))

    assert closed == [thing]


def test_a_loop_that_was_just_closed_is_forgotten(things: LoopLocal[Thing]) -> None:
    loop = asyncio.new_event_loop()
    loop.run_until_complete(get(things))
    loop.close()

    asyncio.run(get(things))

    assert loop not in things._values


def test_loops_of_several_threads_have_their_own(things: LoopLocal[Thing], closed: list[Thing]) -> None:
    threads = [threading.Thread(target=lambda: asyncio.run(get(things))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({id(thing) for thing in closed}) == 5


def test_it_can_be_closed_from_outside_of_its_loop(things: LoopLocal[Thing], closed: list[Thing]) -> None:
    async def main() -> int:
        things.get()
        await asyncio.to_thread(things.close)
        await wait_until(lambda: closed)
        return len(closed)

    assert asyncio.run(main()) == 1


def test_a_forked_child_has_none_of_its_parents(things: LoopLocal[Thing], closed: list[Thing]) -> None:
    def in_child(check: Callable[[], bool]) -> int:
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if check() else 1)
            except BaseException:
                os._exit(2)
        return os.waitpid(child, 0)[1]

    loop = asyncio.new_event_loop()
    thing = loop.run_until_complete(get(things))

    status = in_child(lambda: asyncio.run(get(things)) is not thing and closed[0] is not thing)
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()

    assert status == 0
    assert closed == [thing]


def test_threads_are_few_and_a_forked_child_has_its_own() -> None:
    names: set[str] = set()

    async def main() -> None:
        await asyncio.gather(
            *(in_thread(lambda: names.add(threading.current_thread().name)) for _ in range(100))
        )

    asyncio.run(main())
    child = os.fork()
    if child == 0:
        names.clear()
        asyncio.run(main())
        os._exit(0 if names else 1)
    _, status = os.waitpid(child, 0)

    assert 0 < len(names) <= MOST_THREADS
    assert status == 0


def test_silence_ends_when_the_time_is_up() -> None:
    async def main() -> float:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            async with LoopTimeout(0.1):
                await asyncio.Event().wait()
        return time.monotonic() - began

    assert 0.09 < asyncio.run(main()) < 10


def test_time_in_which_the_loop_does_not_turn_is_not_held_against_the_other_side() -> None:
    async def main() -> bool:
        async with LoopTimeout(0.1):
            answer = asyncio.get_running_loop().create_future()
            answerer = threading.Timer(
                0.05, asyncio.get_running_loop().call_soon_threadsafe, (answer.cancel,)
            )
            answerer.start()
            busy_until = time.monotonic() + 0.4
            while time.monotonic() < busy_until:
                pass
            await asyncio.wait([answer])
        return answer.done()

    assert asyncio.run(main())


def test_cancelling_is_no_timeout() -> None:
    async def main() -> None:
        async def listen() -> None:
            async with LoopTimeout(20):
                await asyncio.Event().wait()

        listening = asyncio.ensure_future(listen())
        await asyncio.sleep(0)
        listening.cancel()
        await listening

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
