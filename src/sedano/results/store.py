"""The port to the place where results are kept."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from sedano.results.group_store import GroupStore, JointGroups
from sedano.results.result_write import ResultWrite


class JointResults(Protocol):
    """Stores results inside a transaction that a broker at the same location has open."""

    groups: JointGroups

    def write(self, transaction: Any, writes: Sequence[ResultWrite]) -> None:
        """Store results; ``transaction`` is the broker's open cursor or connection (None for memory)."""


class ResultStore(Protocol):
    """Thread-safe. Survives a fork. A stored SUCCESS is never overwritten, except after ``forget``.

    Errors of the driver come out as ``ResultStoreUnavailable`` (try again) or ``ResultStoreError``.
    """

    name: str
    #: As ``Broker.location``.
    location: str
    #: ``wait`` is woken when a result comes, rather than looking again and again.
    push: bool
    groups: GroupStore

    def put(self, writes: Sequence[ResultWrite]) -> None:
        """Store results, each over the one that was there (unless that was a SUCCESS)."""

    def get(self, task_id: str) -> bytes | None:
        """The document of one task; None if there is none, or it has expired."""

    def get_many(self, task_ids: Collection[str]) -> Mapping[str, bytes]:
        """The documents of those tasks that have one."""

    def wait(self, task_ids: Collection[str], timeout: float | None) -> None:
        """Sleep until one of these results may have changed, or ``timeout`` seconds have passed.

        A change that came between the caller's last ``get`` and this call may be missed, so it also
        returns by itself now and then; callers loop over get and wait.
        """

    def forget(self, task_id: str) -> None:
        """Delete one result. Idempotent."""

    def prune(self, *, limit: int = 1000) -> int:
        """Delete at most ``limit`` expired results; returns how many."""

    def joint_with(self, broker_location: str) -> JointResults | None:
        """How to write inside the transactions of the broker at this location, if that can be done."""

    def close(self) -> None:
        """Close connections. Idempotent."""
