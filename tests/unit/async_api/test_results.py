"""Coroutines wait for results, any number at once, and leave nothing behind."""

import asyncio
import threading
from collections.abc import Awaitable, Collection, Mapping
from typing import Any

import pytest

from sedano import AsyncResult, Sedano, group, states
from sedano.errors import ResultStoreError, ResultStoreUnavailable, TaskRevoked, TaskTimeout
from sedano.result import allow_join_result
from sedano.results.async_gathering import AsyncGathering
from sedano.results.async_results import async_results
from sedano.results.group_result import GroupResult
from sedano.results.lookout import Lookout
from sedano.results.memory_store import MemoryResultStore
from sedano.results.task_meta import TaskMeta
from sedano.tasks.request import Context, current_request
from tests.unit.async_api.conftest import NOW, Store
from tests.unit.async_api.loop_lag import loop_lag, wait_until


def succeeded(task_id: str, value: Any = None) -> TaskMeta:
    return TaskMeta.succeeded(task_id, value, finished_at=NOW)


def failed(task_id: str, error: Exception) -> TaskMeta:
    return TaskMeta.failed(task_id, error, finished_at=NOW, traceback="Traceback ...")


def lookout_of(app: Sedano) -> Lookout:
    """That of the running loop."""
    assert app.results is not None
    return async_results(app.results).lookouts.get()


def awaited(app: Sedano) -> int:
    """How many results are waited for in the running loop."""
    return len(lookout_of(app)._awaited)


async def waiting(app: Sedano, *coming: Awaitable[Any]) -> list["asyncio.Task[Any]"]:
    """Tasks that have begun to wait."""
    tasks = [asyncio.ensure_future(one) for one in coming]
    await wait_until(lambda: awaited(app) >= len(tasks))
    return tasks


def test_a_result_that_is_there_is_given(app: Sedano, store: Store) -> None:
    store(succeeded("t-1", 42))

    assert asyncio.run(app.AsyncResult("t-1").aget(timeout=5)) == 42


def test_waiting_ends_when_the_result_comes(app: Sedano, store: Store) -> None:
    async def main() -> Any:
        (coming,) = await waiting(app, app.AsyncResult("t-1").aget(timeout=20))
        await asyncio.to_thread(store, succeeded("t-1", 42))
        return await coming

    assert asyncio.run(main()) == 42


def test_a_failed_task_raises_what_it_raised(app: Sedano, store: Store) -> None:
    store(failed("t-1", KeyError("gone")))

    with pytest.raises(KeyError, match="gone"):
        asyncio.run(app.AsyncResult("t-1").aget())
    assert isinstance(asyncio.run(app.AsyncResult("t-1").aget(propagate=False)), KeyError)


def test_the_error_of_a_step_before_it_ends_the_wait(app: Sedano, store: Store) -> None:
    last = app.AsyncResult("last", parent=app.AsyncResult("first"))

    async def main() -> None:
        coming = asyncio.ensure_future(last.aget(timeout=20))
        await wait_until(lambda: awaited(app) == 2)
        await asyncio.to_thread(store, failed("first", KeyError("in the first step")))
        await coming

    with pytest.raises(KeyError, match="in the first step"):
        asyncio.run(main())


def test_the_first_error_of_a_chain_is_told(app: Sedano, store: Store) -> None:
    store(failed("first", KeyError("the cause")), failed("last", ValueError("what came of it")))
    last = app.AsyncResult("last", parent=app.AsyncResult("first"))

    with pytest.raises(KeyError, match="the cause"):
        asyncio.run(last.aget())
    with pytest.raises(ValueError, match="what came of it"):
        asyncio.run(app.AsyncResult("last", parent=app.AsyncResult("first")).aget(follow_parents=False))


def test_the_time_may_be_up(app: Sedano) -> None:
    async def main() -> int:
        with pytest.raises(TaskTimeout):
            await app.AsyncResult("t-1").aget(timeout=0.05)
        with pytest.raises(TaskTimeout):
            await app.AsyncResult("t-1").aget(timeout=0)
        return awaited(app)

    assert asyncio.run(main()) == 0


def test_without_any_time_it_looks_once(app: Sedano, store: Store) -> None:
    store(succeeded("t-1", 42))

    assert asyncio.run(app.AsyncResult("t-1").aget(timeout=0)) == 42


def test_asyncio_timeout_ends_a_wait_and_leaves_nothing_behind(app: Sedano) -> None:
    async def main() -> int:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await app.AsyncResult("t-1").aget()
        return awaited(app)

    assert asyncio.run(main()) == 0


def test_a_cancelled_wait_leaves_nothing_behind(app: Sedano) -> None:
    async def main() -> tuple[int, int]:
        (coming,) = await waiting(app, app.AsyncResult("t-1").aget())
        coming.cancel()
        with pytest.raises(asyncio.CancelledError):
            await coming
        await wait_until(lambda: lookout_of(app)._look is None)
        return awaited(app), len(asyncio.all_tasks())

    assert asyncio.run(main()) == (0, 1)


def test_another_who_waits_for_the_same_goes_on_when_one_is_cancelled(app: Sedano, store: Store) -> None:
    async def main() -> Any:
        first = asyncio.ensure_future(app.AsyncResult("t-1").aget())
        second = asyncio.ensure_future(app.AsyncResult("t-1").aget(timeout=20))
        await wait_until(lambda: awaited(app) == 1)
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.to_thread(store, succeeded("t-1", 42))
        return await second

    assert asyncio.run(main()) == 42


def test_a_thousand_wait_at_once_without_a_thread_each(app: Sedano, store: Store) -> None:
    ids = [f"t-{number}" for number in range(1000)]

    async def main() -> tuple[list[Any], int, float]:
        async with loop_lag() as lag:
            tasks = await waiting(app, *(app.AsyncResult(task_id).aget(timeout=60) for task_id in ids))
            threads = threading.active_count()
            await asyncio.to_thread(store, *(succeeded(task_id, task_id) for task_id in ids))
            return await asyncio.gather(*tasks), threads, lag.longest

    values, threads, lag = asyncio.run(main())

    assert values == ids
    assert threads < 30
    assert lag < 5


def test_states_are_seen_as_they_come(app: Sedano, store: Store) -> None:
    seen: list[Any] = []

    async def main() -> None:
        result = app.AsyncResult("t-1")
        (coming,) = await waiting(app, result.aget(timeout=20, on_message=lambda m: seen.append(m["status"])))
        await asyncio.to_thread(store, TaskMeta.custom("t-1", "PROGRESS", {"done": 1}))
        await wait_until(lambda: seen)
        await asyncio.to_thread(store, succeeded("t-1"))
        await coming

    asyncio.run(main())

    assert seen == ["PROGRESS", "SUCCESS"]


def test_a_task_that_keeps_no_result_is_not_waited_for(app: Sedano) -> None:
    @app.task(ignore_result=True)
    def ping() -> None: ...

    async def main() -> Any:
        return await (await ping.adelay()).aget()

    assert asyncio.run(main()) is None


def test_inside_a_task_waiting_is_refused(app: Sedano, store: Store) -> None:
    store(succeeded("t-1", 42))
    token = current_request.set(Context(id="parent", called_directly=False))

    async def main() -> list[Any]:
        with pytest.raises(RuntimeError, match="waits for another task's result"):
            await app.AsyncResult("t-1").aget()
        with pytest.raises(RuntimeError):
            await app.ResultSet([app.AsyncResult("t-1")]).aget()
        with allow_join_result():
            allowed = await app.AsyncResult("t-1").aget()
        return [allowed, await app.AsyncResult("t-1").aget(disable_sync_subtasks=False)]

    try:
        assert asyncio.run(main()) == [42, 42]
    finally:
        current_request.reset(token)


def test_state_and_readiness_are_asked_for_without_waiting(app: Sedano, store: Store) -> None:
    store(succeeded("t-1", 42), TaskMeta.custom("t-2", "PROGRESS", {"done": 1}))
    ended = app.AsyncResult("t-1")

    async def main() -> list[Any]:
        return [
            await ended.aready(),
            await ended.astate(),
            await app.AsyncResult("t-2").astate(),
            await app.AsyncResult("t-2").aready(),
            await app.AsyncResult("unknown").astate(),
            awaited(app),
        ]

    assert asyncio.run(main()) == [True, "SUCCESS", "PROGRESS", False, "PENDING", 0]
    assert ended.result == 42


def test_a_result_is_forgotten(app: Sedano, store: Store) -> None:
    store(succeeded("first"), succeeded("last"))
    last = app.AsyncResult("last", parent=app.AsyncResult("first"))

    asyncio.run(last.aforget())

    assert (last.state, app.AsyncResult("first").state) == (states.PENDING, states.PENDING)


def test_a_task_is_revoked(app: Sedano) -> None:
    @app.task
    def ping() -> None: ...

    async def main() -> AsyncResult[None]:
        result = await ping.adelay()
        await result.arevoke()
        with pytest.raises(TaskRevoked):
            await result.aget(timeout=5)
        return result

    assert asyncio.run(main()).state == "REVOKED"


# -- many


def test_many_results_come_in_the_order_of_the_members(app: Sedano, store: Store) -> None:
    ids = [str(number) for number in range(20)]
    results = app.ResultSet([app.AsyncResult(task_id) for task_id in ids])

    async def main() -> list[Any]:
        coming = asyncio.ensure_future(results.aget(timeout=20))
        await wait_until(lambda: awaited(app) == 20)
        for task_id in reversed(ids):
            await asyncio.to_thread(store, succeeded(task_id, int(task_id)))
        return await coming

    assert asyncio.run(main()) == list(range(20))


def test_groups_within_groups_give_lists_within_lists(app: Sedano, store: Store) -> None:
    inner = GroupResult("inner", [app.AsyncResult("2"), app.AsyncResult("3")], app=app)
    outer = GroupResult("outer", [app.AsyncResult("1"), inner], app=app)
    store(*(succeeded(task_id, int(task_id)) for task_id in "123"))

    assert asyncio.run(outer.aget(timeout=5)) == [1, [2, 3]]


def test_the_first_failure_of_many_is_raised_at_once(app: Sedano, store: Store) -> None:
    store(failed("2", KeyError("gone")))
    results = app.ResultSet([app.AsyncResult("1"), app.AsyncResult("2")])

    with pytest.raises(KeyError):
        asyncio.run(results.aget(timeout=20))


def test_failures_may_stand_among_the_values(app: Sedano, store: Store) -> None:
    store(succeeded("1", 1), failed("2", KeyError("gone")))
    results = app.ResultSet([app.AsyncResult("1"), app.AsyncResult("2")])

    one, two = asyncio.run(results.aget(timeout=20, propagate=False))

    assert (one, type(two)) == (1, KeyError)


def test_values_are_given_as_they_come(app: Sedano, store: Store) -> None:
    results = app.ResultSet([app.AsyncResult("1"), app.AsyncResult("2")])

    async def main() -> list[Any]:
        came = []
        await asyncio.to_thread(store, succeeded("2", "two"))
        async for value in results.aiterate(timeout=20):
            came.append(value)
            await asyncio.to_thread(store, succeeded("1", "one"))
        return came

    assert asyncio.run(main()) == ["two", "one"]


def test_who_stops_to_iterate_leaves_nothing_behind(app: Sedano, store: Store) -> None:
    store(succeeded("2", "two"))
    results = app.ResultSet([app.AsyncResult("1"), app.AsyncResult("2")])

    async def main() -> None:
        async for _ in results.aiterate(timeout=20):
            break
        await wait_until(lambda: awaited(app) == 0)

    asyncio.run(main())


def test_ids_and_what_is_stored_are_given_as_they_come(app: Sedano, store: Store) -> None:
    inner = GroupResult("inner", [app.AsyncResult("2")], app=app)
    store(succeeded("1", "one"), succeeded("2", "two"))

    async def main() -> dict[Any, Any]:
        results = app.ResultSet([app.AsyncResult("1"), inner])
        return {key: value async for key, value in results.aiter_native(timeout=5)}

    found = asyncio.run(main())

    assert (found["1"]["result"], found["inner"]) == ("one", inner.children)


def test_a_set_is_asked_forgotten_and_revoked_as_a_whole(app: Sedano, store: Store) -> None:
    @app.task
    def ping() -> None: ...

    async def main() -> list[Any]:
        results = app.ResultSet(await ping.apublish_many([(), ()]))
        before = await results.aready()
        await results.arevoke()
        after = await results.aready()
        await results.aforget()
        return [before, after, await results.aready()]

    assert asyncio.run(main()) == [False, True, False]


def test_an_empty_set_is_there_at_once(app: Sedano) -> None:
    assert asyncio.run(app.ResultSet([]).aget()) == []


def test_then_is_kept_when_a_coroutine_hears_of_the_end(app: Sedano, store: Store) -> None:
    store(succeeded("1", 1))
    heard: list[Any] = []
    result = app.AsyncResult("1").then(heard.append)
    results = app.ResultSet([app.AsyncResult("1")]).then(heard.append)

    async def main() -> None:
        await result.aget()
        await results.aget()

    asyncio.run(main())

    assert heard == [result, results]


# -- loops


def test_loops_in_several_threads_wait_for_the_same_results(app: Sedano, store: Store) -> None:
    ids = [f"t-{number}" for number in range(20)]
    found: list[list[Any]] = []
    everybody = threading.Barrier(4)

    def run() -> None:
        async def main() -> list[Any]:
            tasks = await waiting(app, *(app.AsyncResult(task_id).aget(timeout=30) for task_id in ids))
            await asyncio.to_thread(everybody.wait)
            return await asyncio.gather(*tasks)

        found.append(asyncio.run(main()))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    everybody.wait(20)
    store(*(succeeded(task_id, task_id) for task_id in ids))
    for thread in threads:
        thread.join()

    assert found == [ids] * 3


def test_one_loop_after_the_other_may_wait(app: Sedano, store: Store) -> None:
    store(succeeded("t-1", 42))

    assert [asyncio.run(app.AsyncResult("t-1").aget()) for _ in range(3)] == [42] * 3


def test_a_loop_that_ends_does_not_wait_for_those_who_wait(app: Sedano) -> None:
    async def main() -> None:
        await waiting(app, app.AsyncResult("t-1").aget())

    asyncio.run(main())


# -- trouble


class Away(MemoryResultStore):
    """A store that does not answer the first few times; it knows no coroutines."""

    async_results = None  # type: ignore[assignment]

    def __init__(self, failures: float, error: type[Exception] = ResultStoreUnavailable) -> None:
        super().__init__()
        self.failures = failures
        self.error = error
        self.looks = 0

    def get_many(self, task_ids: Collection[str]) -> Mapping[str, bytes]:
        self.looks += 1
        if self.looks <= self.failures:
            raise self.error("away")
        return dict.fromkeys(task_ids, b'{"status": "SUCCESS", "result": 42}')


def test_a_wait_outlasts_a_store_that_is_away() -> None:
    results = Away(3)

    assert asyncio.run(AsyncResult("1", backend=results, app=source()).aget(timeout=20)) == 42
    assert results.looks == 4


def test_a_store_that_stays_away_is_told_when_the_time_is_up() -> None:
    results = Away(float("inf"))

    async def main() -> list[Any]:
        waits = [AsyncResult(str(n), backend=results, app=source()).aget(timeout=0.3) for n in range(100)]
        return await asyncio.gather(*waits, return_exceptions=True)

    errors = asyncio.run(main())

    assert {type(error) for error in errors} == {ResultStoreUnavailable}
    assert all("It has not answered for" in error.__notes__[0] for error in errors)
    # All of them have waited for the same tries.
    assert results.looks < 10


def test_who_waits_for_ever_does_not_wait_for_a_store_that_stays_away() -> None:
    result: AsyncResult[Any] = AsyncResult("1", backend=Away(float("inf")), app=source())

    async def main() -> None:
        async for _ in AsyncGathering((result,), longest_outage=0.2):
            pass

    with pytest.raises(ResultStoreUnavailable):
        asyncio.run(main())


def test_an_error_that_stays_is_raised_at_once() -> None:
    results = Away(1, ResultStoreError)

    with pytest.raises(ResultStoreError, match="away"):
        asyncio.run(AsyncResult("1", backend=results, app=source()).aget(timeout=20))
    assert results.looks == 1


def test_a_look_tells_of_a_store_that_is_away() -> None:
    with pytest.raises(ResultStoreUnavailable):
        asyncio.run(AsyncResult("1", backend=Away(1), app=source()).astate())


def source() -> Sedano:
    return Sedano("proj", broker="memory://", set_as_current=False)


def test_a_result_of_eager_execution_is_there(app: Sedano) -> None:
    @app.task
    def ping() -> str:
        return "pong"

    result = ping.apply()

    async def main() -> list[Any]:
        values = [await result.aget(), await result.aready(), await result.astate()]
        await result.aforget()
        values += await group(ping.s(), ping.s()).apply().aget()
        await result.arevoke()
        return [*values, await result.astate()]

    assert asyncio.run(main()) == ["pong", True, "SUCCESS", "pong", "pong", "REVOKED"]
