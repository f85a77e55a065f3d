"""Putting messages into one Redis server from coroutines, over asynchronous connections of its own.

Made by ``RedisBroker``. Sends what ``Publishing`` would send.
"""

from collections.abc import Sequence

from sedano.brokers.publication import Publication
from sedano.brokers.redis.publishing import Publishing
from sedano.clock import Clock
from sedano.redis.async_link import AsyncLink


class RedisAsyncPublishing:
    """An ``AsyncPublishing``."""

    def __init__(self, link: AsyncLink, publishing: Publishing, clock: Clock) -> None:
        self._link = link
        self._publishing = publishing
        self._clock = clock

    async def publish(self, publications: Sequence[Publication]) -> None:
        """Put these in, all of them or none."""
        if not publications:
            return
        commands, new = self._publishing.commands_for(publications, self._clock.timestamp())
        if len(commands) == 1:
            await self._link.call(*commands[0])
        else:
            await self._link.transaction(commands)
        self._publishing.note(new)

    def close(self) -> None:
        """Close connections. Idempotent."""
        self._link.close()
