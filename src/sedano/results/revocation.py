"""Forbidding tasks through their results."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sedano.errors import NotSupported, TaskRevoked
from sedano.results import celery_meta
from sedano.results.result_source import ResultSource
from sedano.results.result_write import ResultWrite
from sedano.results.store import ResultStore
from sedano.results.task_meta import TaskMeta

if TYPE_CHECKING:
    from sedano.results.async_result import AsyncResult


def revoke_all(
    results: "Iterable[AsyncResult[Any]]", *, terminate: bool, signal: str | None, connection: object
) -> None:
    """Forbid tasks, and say so to those who wait for them. Tasks that a node holds run on.

    Raises:
        NotSupported: running tasks were to be ended.
    """
    if terminate or signal is not None or connection is not None:
        raise NotSupported(
            "AsyncResult.revoke(terminate=True): a running task cannot be ended in this version. "
            "Give the task a time limit, or have it look at AbortableTask.is_aborted()."
        )
    by_source: dict[ResultSource, list[AsyncResult[Any]]] = {}
    for result in results:
        if not result._revoke_here():
            by_source.setdefault(result._source(), []).append(result)
    for source, several in by_source.items():
        revoked = source.revoke(*[result.id for result in several])
        writes: dict[ResultStore, list[ResultWrite]] = {}
        for result in several:
            if result.id in revoked and source.results is not None:
                writes.setdefault(result.backend, []).append(_revoked(result.id, source))
        for store, some in writes.items():
            store.put(some)


def _revoked(task_id: str, source: ResultSource) -> ResultWrite:
    meta = TaskMeta.revoked(task_id, TaskRevoked("revoked"), finished_at=source.clock.now())
    return celery_meta.to_write(meta, source.settings.results, now=source.clock.timestamp())
