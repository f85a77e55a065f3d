"""Results that are looked at together: one round trip for up to a thousand of them.

Used by ``Gathering``, by ``ResultSet``, and by their counterparts for coroutines. Never waits.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sedano import states
from sedano.results.store import ResultStore
from sedano.results.task_meta import TaskMeta

if TYPE_CHECKING:
    from sedano.results.async_result import AsyncResult

    Result: TypeAlias = AsyncResult[Any]

#: How many results are fetched at once.
BATCH: Final = 1000


class Unfinished:
    """Those of some results that are not known to have ended. Keeps their order.

    Args:
        results: The results.
        on_change: Called with what is known of a task whenever that has changed.
    """

    def __init__(
        self, results: "Iterable[Result]", *, on_change: Callable[[TaskMeta], object] | None = None
    ) -> None:
        self._on_change = on_change
        #: By store and id. One task may have several results here.
        self._waiting: dict[ResultStore, dict[str, list[Result]]] = {}
        #: The documents of those that have one, and have not ended.
        self._seen: dict[tuple[ResultStore, str], bytes] = {}
        #: Heard of, and not told yet: a later part of the look failed.
        self._ended: list[Result] = []
        for result in results:
            if result._cache is None and not result.ignored:
                self._waiting.setdefault(result.backend, {}).setdefault(result.id, []).append(result)

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    @property
    def is_scattered(self) -> bool:
        """They are in more than one store, of which ``wait`` hears one only."""
        return len(self._waiting) > 1

    def look(self) -> "list[Result]":
        """Ask the stores once; those that have ended since the last time.

        Raises:
            ResultStoreError: a store did not answer. What was heard before that is kept.
        """
        for store, waiting in list(self._waiting.items()):
            ids = list(waiting)
            # The first ones last: it is them that will be waited for, and a store wakes us for what has
            # changed since our last look.
            for start in reversed(range(0, len(ids), BATCH)):
                batch = ids[start : start + BATCH]
                self._ended[:0] = self._take(store, waiting, batch, _fetch(store, batch))
            if not waiting:
                del self._waiting[store]
        ended, self._ended = self._ended, []
        return ended

    def take(self, store: ResultStore, documents: Mapping[str, bytes]) -> "list[Result]":
        """Take in what somebody else has found in a store; those that have ended by that."""
        waiting = self._waiting.get(store)
        if waiting is None:
            return []
        ended = self._take(
            store, waiting, [task_id for task_id in documents if task_id in waiting], documents
        )
        if not waiting:
            del self._waiting[store]
        return ended

    @property
    def by_store(self) -> "Mapping[ResultStore, Collection[str]]":
        """The ids that are waited for in each store."""
        return self._waiting

    def wait(self, *, most: int, timeout: float | None) -> None:
        """Sleep until one of the first ones may have changed."""
        store, waiting = next(iter(self._waiting.items()))
        store.wait(list(islice(waiting, most)), timeout)

    @property
    def push(self) -> bool:
        """``wait`` is woken by a change."""
        return all(store.push for store in self._waiting)

    def _take(
        self,
        store: ResultStore,
        waiting: "dict[str, list[Result]]",
        ids: Sequence[str],
        documents: Mapping[str, bytes],
    ) -> "list[Result]":
        ended: list[Result] = []
        for task_id in ids:
            document = documents.get(task_id)
            if document is None or document == self._seen.get((store, task_id)):
                continue
            results = waiting[task_id]
            for result in results:
                meta = result._learn(document)
            if self._on_change is not None:
                self._on_change(meta)
            if meta.is_ready:
                ended += results
                del waiting[task_id]
                self._seen.pop((store, task_id), None)
            else:
                self._seen[store, task_id] = document
        return ended


def _fetch(store: ResultStore, ids: Sequence[str]) -> Mapping[str, bytes]:
    if len(ids) > 1:
        return store.get_many(ids)
    document = store.get(ids[0])
    return {} if document is None else {ids[0]: document}


def first_failure(results: "Sequence[Result]") -> TaskMeta | None:
    """What is known of the first of these tasks that has failed, or was revoked. Looks once."""
    Unfinished(results).look()
    return known_failure(results)


def known_failure(results: "Sequence[Result]") -> TaskMeta | None:
    """The same, as far as it is known already."""
    for result in results:
        if result._cache is not None and result._cache.status in states.PROPAGATE_STATES:
            return result._cache
    return None
