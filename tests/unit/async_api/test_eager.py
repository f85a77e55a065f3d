"""Tasks that coroutines run here and now run on the loop that is there, and do not block it."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sedano import Sedano, Task, chain, chord, group
from sedano.errors import InvalidArguments


@pytest.fixture
def app() -> Iterator[Sedano]:
    with Sedano("proj", broker="memory://") as app:
        app.conf.task_always_eager = True
        yield app


@pytest.fixture
def fetch(app: Sedano) -> Task[..., Any]:
    """Gives its argument, and tells which loop it ran on."""

    @app.task(bind=True)
    async def fetch(self: Task[..., Any], *values: Any) -> Any:
        await asyncio.sleep(0)
        loops.append(asyncio.get_running_loop())
        return values[-1] if values else None

    return fetch


loops: list[asyncio.AbstractEventLoop] = []


@pytest.fixture(autouse=True)
def no_loops() -> None:
    loops.clear()


def test_a_coroutine_task_runs_on_the_running_loop(fetch: Task[..., Any]) -> None:
    async def main() -> tuple[Any, ...]:
        results = [await fetch.adelay(1), await fetch.aapply((2,)), await fetch.s(3).aapply_async()]
        results += await fetch.apublish_many([(4,)])
        return *[await result.aget() for result in results], set(loops) == {asyncio.get_running_loop()}

    assert asyncio.run(main()) == (1, 2, 3, 4, True)


def test_all_of_a_workflow_runs_on_the_running_loop(fetch: Task[..., Any]) -> None:
    async def main() -> tuple[Any, ...]:
        steps = await chain(fetch.s(1), fetch.s()).aapply_async()
        members = await group(fetch.s(1), fetch.s(2)).aapply_async()
        body = await chord([fetch.s(1), fetch.s(2)], fetch.s()).aapply_async()
        parts = await fetch.chunks([(1,), (2,)], 1).adelay()
        own = {asyncio.get_running_loop()}
        values = [steps.get(), members.get(), body.get(), parts.get()]
        return *values, set(loops[:7]) == own

    assert asyncio.run(main()) == (1, [1, 2], [1, 2], [[1], [2]], True)


def test_callbacks_errbacks_and_replacements_run_on_the_running_loop(
    app: Sedano, fetch: Task[..., Any]
) -> None:
    @app.task(bind=True)
    async def replaced(self: Task[..., Any]) -> Any:
        return self.replace(fetch.s("instead"))

    @app.task
    async def fails() -> None:
        raise KeyError("gone")

    async def main() -> tuple[Any, ...]:
        result = await replaced.aapply(link=fetch.s())
        failed = await fails.aapply(link_error=fetch.s(), throw=False)
        return result.get(), failed.state, len(loops), set(loops) == {asyncio.get_running_loop()}

    assert asyncio.run(main()) == ("instead", "FAILURE", 3, True)


def test_retries_run_at_once(app: Sedano) -> None:
    attempts: list[int] = []

    @app.task(bind=True, autoretry_for=(OSError,), max_retries=5)
    async def flaky(self: Task[..., Any]) -> int:
        attempts.append(self.request.retries)
        if self.request.retries < 2:
            raise OSError("again")
        return self.request.retries

    assert asyncio.run(flaky.aapply()).get() == 2
    assert attempts == [0, 1, 2]


def test_another_task_runs_in_a_thread_meanwhile(app: Sedano) -> None:
    go_on = threading.Event()

    @app.task
    def slow() -> bool:
        return go_on.wait(20)

    async def main() -> Any:
        running = asyncio.ensure_future(slow.adelay())
        await asyncio.sleep(0)
        go_on.set()  # the loop goes on
        return (await running).get()

    assert asyncio.run(main()) is True


def test_a_task_that_runs_here_may_await_others(app: Sedano, fetch: Task[..., Any]) -> None:
    @app.task(bind=True)
    async def outer(self: Task[..., Any], depth: int) -> Any:
        assert self.request.task == "deep"
        if not depth:
            return await (await fetch.adelay("bottom")).aget()
        return await (await outer.adelay(depth - 1)).aget()

    outer.name = "deep"

    async def main() -> Any:
        results = await asyncio.gather(*(outer.adelay(20) for _ in range(20)))
        return {await result.aget() for result in results}

    assert asyncio.run(main()) == {"bottom"}


def test_what_the_task_raises_comes_out_where_it_is_asked_for(app: Sedano) -> None:
    @app.task
    async def fails() -> None:
        raise KeyError("gone")

    with pytest.raises(KeyError):
        asyncio.run(fails.aapply(throw=True))
    assert asyncio.run(fails.aapply()).state == "FAILURE"


def test_arguments_are_checked_as_if_they_were_published(app: Sedano) -> None:
    @app.task
    async def ping(x: int) -> None: ...

    with pytest.raises(InvalidArguments):
        asyncio.run(ping.adelay())  # type: ignore[call-arg]


def test_cancelling_the_caller_cancels_the_task(app: Sedano) -> None:
    ended: list[str] = []

    @app.task
    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cleaned up")

    async def main() -> None:
        async with asyncio.timeout(0.05):
            await endless.aapply()

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert ended == ["cleaned up"]


def test_apply_without_a_loop_still_runs_coroutines(app: Sedano, fetch: Task[..., Any]) -> None:
    assert fetch.delay(1).get() == 1
    assert chain(fetch.s(1), fetch.s(2)).apply_async().get() == 2


def test_results_are_stored_where_that_is_asked_for(tmp_path: Path) -> None:
    with Sedano("proj", broker=f"sqlite:///{tmp_path}/queue.db", set_as_current=False) as app:

        @app.task(store_eager_result=True)
        async def ping() -> str:
            return "pong"

        result = asyncio.run(ping.aapply())

        assert app.AsyncResult(result.id).get(timeout=5) == "pong"
