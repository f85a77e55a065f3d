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
            "AsyncResult.revoke(terminate=True): a running task cannot be ended in this version."
        )
    writes: dict[ResultStore, list[ResultWrite]] = {}
    try:
        for result in results:
            write = result._revoke()
            if write is not None:
                writes.setdefault(result.backend, []).append(write)
    finally:
        for store, revoked in writes.items():
            store.put(revoked)


def revoke(task_id: str, source: ResultSource) -> ResultWrite | None:
    """Forbid a task; its result, where its message was there and results are kept."""
    if not source.revoke(task_id) or source.results is None:
        return None
    meta = TaskMeta.revoked(task_id, TaskRevoked("revoked"), finished_at=source.clock.now())
    return celery_meta.to_write(meta, source.settings.results, now=source.clock.timestamp())
