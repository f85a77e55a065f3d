"""Putting messages into Redis.

Called by ``RedisBroker.publish``. One command for one message, one transaction for many.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sedano.brokers.publication import Publication
from sedano.brokers.redis.kombu_message import encode, not_before
from sedano.clock import Clock
from sedano.redis.key_names import KeyNames
from sedano.redis.links import Link

#: A queue is noted again after so many seconds: the server may have been emptied.
_NOTE_EVERY: Final = 30.0
#: Messages in one LPUSH.
_BATCH: Final = 500


class Publishing:
    """Thread-safe."""

    def __init__(self, link: Link, names: KeyNames, clock: Clock) -> None:
        self._link = link
        self._names = names
        self._clock = clock
        #: Queue -> when it was noted; racing threads at worst note it twice.
        self._noted: dict[str, float] = {}

    def publish(self, publications: Sequence[Publication]) -> None:
        """Put these in, all of them or none; in a cluster, all or none of those of each lane."""
        now = self._clock.timestamp()
        if len(publications) == 1:
            self._publish_one(publications[0], now)
            return
        commands, new = self.commands_for(publications, now)
        if len(commands) == 1:
            self._link.call(*commands[0])
        else:
            self._link.transaction(commands)
        self.note(new)

    def commands_for(
        self, publications: Sequence[Publication], now: float
    ) -> tuple[list[tuple[Any, ...]], set[str]]:
        """What puts these in, if done in one step; and the queues that are noted with them."""
        commands: list[tuple[Any, ...]] = []
        lanes: dict[str, list[bytes]] = {}
        for publication in publications:
            lane = self._names.lane(publication.queue, publication.priority)
            lanes.setdefault(lane, []).append(listed(publication, now))
        for lane, messages in lanes.items():
            for start in range(0, len(messages), _BATCH):
                commands.append(("LPUSH", lane, *messages[start : start + _BATCH]))
        new = self._unnoted(publications)
        if new:
            commands.append(("SADD", self._names.queues, *new))
        return commands, new

    def note(self, queues: Iterable[str]) -> None:
        """These queues have been noted."""
        for queue in queues:
            self._noted[queue] = self._clock.monotonic()

    def _publish_one(self, publication: Publication, now: float) -> None:
        """What ``delay()`` does: one command, but for the first one to a queue."""
        queue = publication.queue
        command = ("LPUSH", self._names.lane(queue, publication.priority), listed(publication, now))
        moment = self._clock.monotonic()
        if moment - self._noted.get(queue, -_NOTE_EVERY) < _NOTE_EVERY:
            self._link.call(*command)
            return
        self._link.transaction([command, ("SADD", self._names.queues, queue)])
        self._noted[queue] = moment

    def close(self) -> None:
        """Close connections. Idempotent."""
        self._noted.clear()
        self._link.close()

    def _unnoted(self, publications: Sequence[Publication]) -> set[str]:
        now = self._clock.monotonic()
        return {
            publication.queue
            for publication in publications
            if now - self._noted.get(publication.queue, -_NOTE_EVERY) >= _NOTE_EVERY
        }


def listed(publication: Publication, now: float) -> bytes:
    """The message as it lies in the list."""
    message, due = encode(publication, now), publication.due
    return message if due is None or due <= now else not_before(due, message)
