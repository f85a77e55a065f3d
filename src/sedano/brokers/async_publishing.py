"""How coroutines put messages into a broker without blocking their event loop.

An optional capability: a broker that has a way of its own says so by its attribute ``async_publishing``. Any
other one is used in a thread.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from sedano.brokers.broker import Broker
from sedano.brokers.publication import Publication
from sedano.loops.threads import Runner, in_thread

#: ``Broker.publish``.
Publish = Callable[[Sequence[Publication]], None]


class AsyncPublishing(Protocol):
    """Thread-safe: any loops may use it. Closed with its broker, and what belongs to a loop with that."""

    async def publish(self, publications: Sequence[Publication]) -> None:
        """As ``Broker.publish``, with the same deadline and the same errors.

        Cancelled, it may have published them or not.
        """


class SyncPublishing:
    """An ``AsyncPublishing``: the broker's own ``publish``, run where it blocks no event loop."""

    def __init__(self, publish: Publish, run: Runner) -> None:
        self._publish = publish
        self._run = run

    async def publish(self, publications: Sequence[Publication]) -> None:
        """As the port says."""
        await self._run(self._publish, publications)


def async_publishing(broker: Broker) -> AsyncPublishing:
    """The broker's own way, or that through a thread."""
    own: AsyncPublishing | None = getattr(broker, "async_publishing", None)
    return own or SyncPublishing(broker.publish, in_thread)
