"""What coroutines ask of many results: a base of ``ResultSet``, and of nothing else.

Never blocks an event loop.
"""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, cast

from sedano import states
from sedano.results import joining, walking
from sedano.results.awaited_members import AwaitedMembers
from sedano.results.result_base import ResultBase
from sedano.results.result_coroutines import culprit, forget_all, revoke_all

if TYPE_CHECKING:
    from sedano.results.result_set import ResultSet


class SetCoroutines(ResultBase):
    """Some results, for coroutines."""

    async def aget(
        self,
        timeout: float | None = None,
        propagate: bool = True,
        *,
        on_message: Callable[..., object] | None = None,
        disable_sync_subtasks: bool = True,
    ) -> list[Any]:
        """``get`` for coroutines: wait until all tasks have finished; what they returned, in their order.

        Args:
            timeout: Seconds to wait for all of them; None waits for ever.
            propagate: Raise what a failed task raised, as soon as it is seen; False has it in the list.
            on_message: As for ``AsyncResult.aget``.
            disable_sync_subtasks: False allows waiting inside a task, which can lock up a worker.

        Raises:
            As ``get``.
        """
        results = _whole(self)
        if disable_sync_subtasks and any(
            leaf._cache is None and not leaf.ignored for leaf in results._leaves()
        ):
            joining.check(results.app)
        async with contextlib.aclosing(self._acome(timeout, propagate, on_message)) as coming:
            async for _ in coming:
                pass
        return results._value()

    async def aiterate(self, timeout: float | None = None, propagate: bool = True) -> AsyncIterator[Any]:
        """The values of the members as they come: ``async for value in results.aiterate()``."""
        async with contextlib.aclosing(self._acome(timeout, propagate, None)) as coming:
            async for member in coming:
                yield member._value()

    async def aiter_native(
        self, timeout: float | None = None, on_message: Callable[..., object] | None = None
    ) -> AsyncIterator[tuple[Any, Any]]:
        """The members as they come: id, and what is stored of it, a dictionary; of a group, its members."""
        async with contextlib.aclosing(self._acome(timeout, False, on_message)) as coming:
            async for member in coming:
                yield _whole(self)._shown(member)

    async def aready(self) -> bool:
        """``ready()`` for coroutines: looks once, at all members together."""
        from sedano.results.async_gathering import look

        results = _whole(self)
        leaves = walking.leaves(results.results)
        await look(leaves)
        results._keep_promises(leaves)
        return all(leaf._cache is not None for leaf in leaves)

    async def aforget(self) -> None:
        """``forget()`` for coroutines."""
        leaves = walking.leaves(_whole(self).results)
        await forget_all([*walking.lineage(leaves), *leaves])

    async def arevoke(self) -> None:
        """``revoke()`` for coroutines: it reads all queues, once for all members, in a thread."""
        await revoke_all(walking.leaves(_whole(self).results))

    async def _acome(
        self, timeout: float | None, propagate: bool, on_message: Callable[..., object] | None
    ) -> AsyncGenerator[ResultBase, None]:
        """Each member when all of it has finished."""
        from sedano.results.async_gathering import AsyncGathering

        results = _whole(self)
        members = list(results.results)
        leaves = walking.leaves(members)
        awaited = AwaitedMembers(members)
        for member in awaited.complete:
            yield member
        gathering = AsyncGathering(
            leaves,
            timeout=timeout,
            parents=walking.lineage((self, *leaves)) if propagate else (),
            on_change=None if on_message is None else lambda meta: on_message(meta.as_dict()),
        )
        async with contextlib.aclosing(gathering.__aiter__()) as coming:
            async for came in coming:
                for leaf in came:
                    meta = leaf._cache
                    if propagate and meta is not None and meta.status in states.PROPAGATE_STATES:
                        (await culprit(leaf, meta)).throw()
                for leaf in came:
                    for member in awaited.end(leaf):
                        yield member
        results._keep_promises(leaves)


def _whole(part: SetCoroutines) -> "ResultSet":
    return cast("ResultSet", part)
