"""How coroutines use a result store without blocking their event loop.

An optional capability: a store that has a way of its own says so by its attribute ``async_results``. Any
other one is used in threads. Who waits for results does it through a ``Lookout``, of which each loop has one.
"""

import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, Protocol

from sedano.loops.loop_local import LoopLocal
from sedano.loops.threads import Runner, in_thread
from sedano.results.lookout import Lookout, ResultChanges
from sedano.results.result_write import ResultWrite
from sedano.results.store import ResultStore
from sedano.results.workflow_start import WorkflowStart


class AsyncResults(Protocol):
    """Thread-safe: any loops may use it. Errors and deadlines are those of the store."""

    #: One for each loop: looks for all who wait there.
    lookouts: LoopLocal[Lookout]

    async def put(self, writes: Sequence[ResultWrite]) -> None:
        """As ``ResultStore.put``."""

    async def forget(self, task_ids: Collection[str]) -> None:
        """As ``ResultStore.forget``, for several."""

    async def begin(self, start: WorkflowStart) -> None:
        """Hear of a workflow that is about to be published."""

    async def within_transaction(
        self, task_ids: Collection[str], *, waits: bool
    ) -> Mapping[str, bytes] | None:
        """The documents that the caller's own database transaction shows; None: the store is in no such one.

        Args:
            task_ids: The tasks.
            waits: The caller is about to wait for those that are missing.

        Raises:
            ResultStoreError: in this transaction the wait would never end.
        """


class SyncResults:
    """An ``AsyncResults``: the store itself, used where it blocks no event loop.

    Args:
        store: Finds the store.
        run: Where it is used.
        changes: What says when a result may have changed; None asks again and again.
    """

    def __init__(
        self, store: Callable[[], ResultStore], run: Runner, *, changes: ResultChanges | None = None
    ) -> None:
        self._store = store
        self._run = run
        self.lookouts: LoopLocal[Lookout] = LoopLocal(lambda: Lookout(self._get_many, changes))

    async def put(self, writes: Sequence[ResultWrite]) -> None:
        """As the port says."""
        await self._run(self._store().put, writes)

    async def forget(self, task_ids: Collection[str]) -> None:
        """As the port says."""
        await self._run(_forget_all, self._store(), task_ids)

    async def begin(self, start: WorkflowStart) -> None:
        """As the port says."""
        await self._run(start.tell, self._store().groups)

    async def within_transaction(
        self, task_ids: Collection[str], *, waits: bool
    ) -> Mapping[str, bytes] | None:
        """As the port says."""
        return None

    async def _get_many(self, task_ids: Collection[str]) -> Mapping[str, bytes]:
        return await self._run(self._store().get_many, task_ids)


def _forget_all(store: ResultStore, task_ids: Collection[str]) -> None:
    for task_id in task_ids:
        store.forget(task_id)


#: Of the stores that have no way of their own.
_through_threads: Final["weakref.WeakKeyDictionary[ResultStore, AsyncResults]"] = weakref.WeakKeyDictionary()


def async_results(store: ResultStore) -> AsyncResults:
    """The store's own way, or that through threads."""
    own: AsyncResults | None = getattr(store, "async_results", None) or _through_threads.get(store)
    if own is None:
        # Weakly: what belongs to a store must not keep it alive.
        own = _through_threads.setdefault(store, SyncResults(_reference_to(store), in_thread))
    return own


def _reference_to(store: ResultStore) -> Callable[[], ResultStore]:
    reference = weakref.ref(store)

    def find() -> ResultStore:
        found = reference()
        assert found is not None  # whoever waits holds it
        return found

    return find
