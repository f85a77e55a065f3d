"""Results in this process's memory: for tests, and for trying things out.

Opened by ``results.opening`` for ``memory:`` URLs. Never leaves the process.
"""

import threading
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sedano import states
from sedano.clock import Clock, SystemClock
from sedano.errors import ConfigurationError
from sedano.results.group_store import GroupStore, JointGroups
from sedano.results.memory_groups import MemoryGroups, MemoryJointGroups
from sedano.results.result_write import ResultWrite
from sedano.results.store import JointResults

if TYPE_CHECKING:
    from sedano.results.async_results import AsyncResults

#: ``wait`` returns by itself after this long: for a change that came before it began.
_LONGEST_WAIT = 0.25


class MemoryResultStore:
    """A ``ResultStore``."""

    name = "memory"
    location = "memory:"
    push = True

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._results: dict[str, ResultWrite] = {}
        self._changed = threading.Condition()  # guards _results
        self._groups = MemoryGroups(self._clock)
        self.groups: GroupStore = self._groups
        self._async_results: AsyncResults | None = None

    @classmethod
    def from_url(
        cls, url: str, *, options: Mapping[str, Any], timeout: timedelta, clock: Clock, base_dir: Path
    ) -> "MemoryResultStore":
        """As ``results.opening`` calls it."""
        if options:
            raise ConfigurationError(f"The memory result store has no options; it got {', '.join(options)}.")
        return cls(clock=clock)

    def put(self, writes: Sequence[ResultWrite]) -> None:
        with self._changed:
            for write in writes:
                present = self._present(write.task_id)
                if present is None or states.may_overwrite(present.state, write.state):
                    self._results[write.task_id] = write
            self._changed.notify_all()

    def get(self, task_id: str) -> bytes | None:
        with self._changed:
            present = self._present(task_id)
            return None if present is None else present.document

    def get_many(self, task_ids: Collection[str]) -> Mapping[str, bytes]:
        with self._changed:
            found = {task_id: self._present(task_id) for task_id in task_ids}
            return {task_id: write.document for task_id, write in found.items() if write is not None}

    def wait(self, task_ids: Collection[str], timeout: float | None) -> None:
        with self._changed:
            before = [self._results.get(task_id) for task_id in task_ids]
            self._changed.wait_for(
                lambda: [self._results.get(task_id) for task_id in task_ids] != before,
                _LONGEST_WAIT if timeout is None else min(timeout, _LONGEST_WAIT),
            )

    def forget(self, task_id: str) -> None:
        with self._changed:
            self._results.pop(task_id, None)
            self._changed.notify_all()

    def prune(self, *, limit: int = 1000) -> int:
        now = self._clock.timestamp()
        with self._changed:
            expired = [task_id for task_id, write in self._results.items() if _has_expired(write, now)]
            for task_id in expired[:limit]:
                del self._results[task_id]
        pruned = len(expired[:limit])
        return pruned + self._groups.prune(limit - pruned)

    def joint_with(self, broker_location: str) -> JointResults | None:
        if broker_location != self.location:
            return None
        return MemoryJointResults(self, MemoryJointGroups(self._groups))

    @property
    def async_results(self) -> "AsyncResults":
        """The way of coroutines: at once, since nothing here takes time."""
        if self._async_results is None:
            # Imported here: it brings asyncio, which only those need who ask from coroutines.
            from sedano.loops.threads import inline
            from sedano.results.async_results import SyncResults

            self._async_results = SyncResults(lambda: self, inline)
        return self._async_results

    def close(self) -> None:
        """There is nothing to close."""

    def _present(self, task_id: str) -> ResultWrite | None:
        write = self._results.get(task_id)
        return None if write is None or _has_expired(write, self._clock.timestamp()) else write


class MemoryJointResults:
    """The ``JointResults`` of every memory broker in this process."""

    def __init__(self, store: MemoryResultStore, groups: JointGroups) -> None:
        self._store = store
        self.groups = groups

    def write(self, transaction: object, writes: Sequence[ResultWrite]) -> None:
        """Store results while a memory broker settles."""
        self._store.put(writes)


def _has_expired(write: ResultWrite, now: float) -> bool:
    return write.expires_at is not None and write.expires_at <= now
