"""The subscriber of a process as lookouts follow it.

Made by ``RedisResultStore``.
"""

from collections.abc import Callable, Collection, Mapping

from sedano.results.lookout import Bell
from sedano.results.redis.result_keys import ResultKeys
from sedano.results.redis.subscriber import Subscriber


class HeardChanges:
    """A ``ResultChanges``.

    Args:
        subscriber: Finds that of this process.
        keys: The names of channels.
    """

    def __init__(self, subscriber: Callable[[], Subscriber], keys: ResultKeys) -> None:
        self._subscriber = subscriber
        self._keys = keys

    @property
    def connected(self) -> bool:
        """As the port says."""
        return self._subscriber().connected

    def follow(self, bells: Collection[Bell]) -> None:
        """As the port says."""
        if bells:
            self._subscriber().follow(self._by_channel(bells))

    def leave(self, bells: Collection[Bell]) -> None:
        """As the port says."""
        self._subscriber().leave(self._by_channel(bells))

    def _by_channel(self, bells: Collection[Bell]) -> Mapping[bytes, Bell]:
        return {self._keys.of_task(bell.task_id): bell for bell in bells}
