"""The results in the site's database, for coroutines.

Made by ``DjangoResultStore``. What the caller's own transaction shows is read on Django's connection, in the
thread that has it; what others commit is read on connections of the vendor's own store.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from django.db import connections

from sedano.contrib.django.query_place import in_query_thread
from sedano.contrib.django.vendors import in_memory
from sedano.errors import ResultStoreError
from sedano.loops.loop_local import LoopLocal
from sedano.loops.threads import in_thread
from sedano.results.async_results import SyncResults
from sedano.results.lookout import Lookout
from sedano.results.store import ResultStore


class DjangoAsyncResults(SyncResults):
    """An ``AsyncResults``.

    Args:
        store: The store on Django's connections.
        own_store: Finds the vendor's own.
        alias: The database.
        never_comes: Why a wait would never end in the transaction that is open here; None where it would end.
    """

    def __init__(
        self,
        store: ResultStore,
        *,
        own_store: Callable[[], ResultStore],
        alias: str,
        never_comes: Callable[[], str | None],
    ) -> None:
        super().__init__(lambda: store, in_query_thread)
        self._own_store = own_store
        self._alias = alias
        self._never_comes = never_comes
        self.lookouts = LoopLocal(lambda: Lookout(self._committed, None))

    async def within_transaction(
        self, task_ids: Collection[str], *, waits: bool
    ) -> Mapping[str, bytes] | None:
        """As the port says."""
        return await in_query_thread(self._seen_here, task_ids, waits)

    def _seen_here(self, task_ids: Collection[str], waits: bool) -> Mapping[str, bytes]:
        found = self._store().get_many(task_ids)
        if waits and len(found) < len(task_ids) and (reason := self._never_comes()) is not None:
            raise ResultStoreError(reason)
        return found

    async def _committed(self, task_ids: Collection[str]) -> Mapping[str, bytes]:
        settings: Any = connections[self._alias]
        if in_memory(settings):  # no other connection sees it
            return await in_query_thread(self._store().get_many, task_ids)
        return await in_thread(self._own_store().get_many, task_ids)
