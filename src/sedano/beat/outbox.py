"""The way of runs into a broker that cannot publish in the step that claims them: RabbitMQ, a Redis Cluster.

Used by the scheduler. A claim keeps the message beside the entry's state, with its id; it is published right
after that, and then forgotten. What a scheduler leaves there when it dies another one publishes. So no run is
lost; a message is there twice, with one id, only where a scheduler died after publishing, before forgetting.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from sedano.brokers.publication import Publication
from sedano.brokers.ticks import TickStore, Unpublished
from sedano.clock import Clock
from sedano.errors import BrokerUnavailable, SedanoError

logger = logging.getLogger("sedano.beat")

#: Whoever claimed a message publishes it at once: nobody does any more when the time that publishing may take
#: is over, and so much more. Seconds.
SPARE: Final = 1.0
#: Whoever has been publishing for so long takes the rest over from itself: others lose patience. Seconds.
RENEW_AFTER: Final = 0.5
#: How often to look for what others have left. Seconds.
LOOK_EVERY: Final = 1.0
#: Messages in one look, and in one publication.
MOST: Final = 500

#: A message and the claim on it.
_Key: TypeAlias = tuple[str, float]


class Outbox:
    """Publishes what was claimed.

    Args:
        ticks: Holds the claims.
        publish: Puts messages into the broker, all of them or none.
        publish_timeout: How long that may take, seconds. The same for all schedulers.
        clock: Its wall time is what claims are noted with. How long one has lain there is measured by each
            scheduler itself, so that it does not matter whether their clocks agree.
    """

    def __init__(
        self,
        ticks: TickStore,
        *,
        publish: Callable[[Sequence[Publication]], None],
        publish_timeout: float = 2.0,
        clock: Clock,
    ) -> None:
        self._ticks = ticks
        self._publish = publish
        self._patience = publish_timeout + SPARE
        self._clock = clock
        self._next_look = 0.0
        self._renew_at = 0.0
        #: What lay there at the last look, and since when it has been seen.
        self._seen: dict[_Key, float] = {}
        #: Ours, that could not be published: to be tried again at once.
        self._failed: set[_Key] = set()
        #: Published, while the store could not be told.
        self._done: list[Unpublished] = []

    def send(self, publications: Sequence[Publication], *, claimed_at: float) -> None:
        """Publish what was claimed just now.

        Raises:
            BrokerError: The broker or the store is away. ``catch_up`` does the rest.
        """
        self._send_all([Unpublished(publication, claimed_at) for publication in publications])

    def catch_up(self, now: float) -> None:
        """Publish what could not be published before, and what others claimed and have left there.

        Args:
            now: POSIX seconds (UTC).

        Raises:
            BrokerError: The broker or the store is away.
        """
        moment = self._clock.monotonic()
        if moment < self._next_look and not self._failed:
            return
        self._forget()
        found = {_key_of(one): one for one in self._ticks.unpublished(limit=MOST)}
        self._failed &= found.keys()
        self._seen = {key: self._seen.get(key, moment) for key in found}
        left = [one for key, one in found.items() if self._is_left(key, moment)]
        taken = self._ticks.take_over(left, now=now)
        self._failed -= {_key_of(one) for one in left}
        self._send_all(taken)
        self._next_look = moment + LOOK_EVERY

    def _is_left(self, key: _Key, moment: float) -> bool:
        return key in self._failed or moment - self._seen[key] >= self._patience

    def _send_all(self, kept: Sequence[Unpublished]) -> None:
        if not kept:
            return
        # What cannot be routed shares that with all that go the same way, and with nothing else.
        ways: dict[tuple[str, str, str], list[Unpublished]] = {}
        for one in kept:
            message = one.publication
            ways.setdefault((message.queue, message.exchange, message.routing_key), []).append(one)
        passed = self._clock.timestamp() - kept[0].since
        self._renew_at = self._clock.monotonic() + RENEW_AFTER - passed
        for place, some in enumerate(ways.values()):
            try:
                self._send(some)
            except BrokerUnavailable:
                unsent = list(ways.values())[place:]
                self._failed |= {_key_of(one) for some in unsent for one in some}
                raise

    def _send(self, kept: Sequence[Unpublished]) -> None:
        if self._clock.monotonic() >= self._renew_at:
            kept = self._ticks.take_over(kept, now=self._clock.timestamp())
            if not kept:
                return
        try:
            self._publish([one.publication for one in kept])
        except BrokerUnavailable:
            raise
        except SedanoError as error:
            if len(kept) > 1:
                for one in kept:
                    self._send([one])
                return
            message = kept[0].publication
            logger.error(
                "The message %s of task %s cannot be published, and is left out: %s",
                message.task_id,
                message.task,
                error,
            )
        self._done += kept
        self._forget()

    def _forget(self) -> None:
        if self._done:
            self._ticks.published(self._done)
            self._done = []


def _key_of(one: Unpublished) -> _Key:
    return one.publication.task_id, one.since
