"""What coroutines ask of one result: a base of ``AsyncResult``, and of nothing else.

Never blocks an event loop. Asks the store only when asked, as ``AsyncResult`` does.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from sedano import states
from sedano.errors import ResultStoreError
from sedano.results import joining, revocation, walking
from sedano.results.store import ResultStore
from sedano.results.task_meta import TaskMeta
from sedano.results.task_view import TaskView

if TYPE_CHECKING:
    from sedano.results.async_result import AsyncResult

R_co = TypeVar("R_co", covariant=True)


class ResultCoroutines(TaskView, Generic[R_co]):
    """One task, for coroutines."""

    __slots__ = ()

    async def aget(
        self,
        timeout: float | None = None,
        propagate: bool = True,
        *,
        follow_parents: bool = True,
        on_message: Callable[..., object] | None = None,
        disable_sync_subtasks: bool = True,
    ) -> R_co:
        """``get`` for coroutines: wait until the task has finished; what it returned.

        Any number may wait at once: they share what looks and listens. Cancelled, it leaves nothing behind.

        Args:
            timeout: Seconds to wait; None waits for ever.
            propagate: Raise what a failed task raised; False returns it.
            follow_parents: Raise what a parent raised as well.
            on_message: Called with what is stored of the task for each state that is seen, as by ``get``.
            disable_sync_subtasks: False allows waiting inside a task, which can lock up a worker.

        Raises:
            As ``get``.
        """
        result = _whole(self)
        if result.ignored:
            return cast(R_co, None)
        if result._cache is None:
            # Imported here: it brings asyncio.
            from sedano.results.async_gathering import AsyncGathering

            if disable_sync_subtasks:
                joining.check(result._source())
            async for _ in AsyncGathering(
                (result,),
                timeout=timeout,
                parents=walking.lineage((result,)) if follow_parents and propagate else (),
                on_change=None if on_message is None else lambda meta: on_message(meta.as_dict()),
            ):
                pass
        elif disable_sync_subtasks:
            joining.check_told()
        meta = result._meta()
        if propagate and meta.status in states.PROPAGATE_STATES:
            (await culprit(result, meta) if follow_parents else meta).throw()
        return cast(R_co, result._value())

    async def aready(self) -> bool:
        """``ready()`` for coroutines."""
        return (await _look(_whole(self))).is_ready

    async def astate(self) -> str:
        """``state`` for coroutines. Once this or ``aget`` has seen its end, all else of it is known here."""
        return (await _look(_whole(self))).status

    async def aforget(self) -> None:
        """``forget()`` for coroutines."""
        results = [*walking.lineage((_whole(self),)), _whole(self)]
        await forget_all(results)

    async def arevoke(self) -> None:
        """``revoke()`` for coroutines: it reads all queues, in a thread."""
        await revoke_all([_whole(self)])

    def _drop(self) -> ResultStore | None:
        """Forget what is known here; the store that may know more."""
        result = _whole(self)
        result._cache = result._children = None
        return result.backend


async def culprit(result: "AsyncResult[Any]", meta: TaskMeta) -> TaskMeta:
    """Whose error tells most of a task's failure: that of the first before it that has failed."""
    from sedano.results.async_gathering import look
    from sedano.results.unfinished import known_failure

    if result.parent is None:
        return meta
    parents = walking.lineage((result,))
    try:
        await look(parents)
    except ResultStoreError:
        return meta
    return known_failure(parents) or meta


async def forget_all(results: "list[AsyncResult[Any]]") -> None:
    """Delete what is stored of these."""
    from sedano.results.async_results import async_results

    by_store: dict[ResultStore, list[str]] = {}
    for result in results:
        store = result._drop()
        if store is not None:
            by_store.setdefault(store, []).append(result.id)
    for store, ids in by_store.items():
        await async_results(store).forget(ids)


async def revoke_all(results: "list[AsyncResult[Any]]") -> None:
    """Forbid these."""
    if results:
        revoke = partial(revocation.revoke_all, terminate=False, signal=None, connection=None)
        await results[0]._source().run_blocking(revoke, results)


async def _look(result: "AsyncResult[Any]") -> TaskMeta:
    if result._cache is None:
        from sedano.results.async_gathering import look_at

        return await look_at(result)
    return result._cache


def _whole(part: ResultCoroutines[R_co]) -> "AsyncResult[R_co]":
    return cast("AsyncResult[R_co]", part)
