"""Messages in this process's memory: a real broker for tests, and for trying things out.

Opened by ``brokers.opening`` for ``memory:`` URLs; each opening is a broker of its own. Never leaves the
process: a forked child has a copy, and what it publishes stays there.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from sedano.brokers.async_publishing import AsyncPublishing, SyncPublishing
from sedano.brokers.features import BrokerFeatures
from sedano.brokers.memory.admin import MemoryAdmin
from sedano.brokers.memory.lease import MemoryLease
from sedano.brokers.memory.storage import Storage
from sedano.brokers.memory.ticks import MemoryTicks
from sedano.brokers.publication import Publication
from sedano.brokers.ticks import TickStore
from sedano.clock import Clock, SystemClock
from sedano.errors import ConfigurationError
from sedano.loops.threads import inline
from sedano.results.store import JointResults

_FEATURES: Final = BrokerFeatures(
    transactional_publish=False,
    joint_results=True,
    priority_levels=256,
    push=True,
    claims_by_task=True,
    durable=False,
    between_processes=False,
    shared_rates=True,
)


class MemoryBroker:
    """A ``Broker``."""

    name = "memory"
    location = "memory:"
    features = _FEATURES

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._storage = Storage()
        self.admin = MemoryAdmin(self._storage, self._clock)
        self.ticks: TickStore | None = MemoryTicks(self._storage)
        self.async_publishing: AsyncPublishing = SyncPublishing(self.publish, inline)

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        options: Mapping[str, Any],
        publish_timeout: timedelta,
        clock: Clock,
        base_dir: Path,
    ) -> "MemoryBroker":
        """As ``brokers.opening`` calls it."""
        if options:
            raise ConfigurationError(f"The memory broker has no options; it got {', '.join(options)}.")
        return cls(clock=clock)

    def publish(self, publications: Sequence[Publication]) -> None:
        now = self._clock.timestamp()
        with self._storage.changed:
            for publication in publications:
                self._storage.publish(publication, now)
            self._storage.changed.notify_all()

    def lease(self, node: str, *, duration: timedelta, results: JointResults | None = None) -> MemoryLease:
        return MemoryLease(self._storage, node, duration=duration, results=results, clock=self._clock)

    def close(self) -> None:
        """There is nothing to close."""
