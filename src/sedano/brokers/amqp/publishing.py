"""Putting messages into RabbitMQ.

Called by ``AmqpBroker.publish``. A message is published when the server has confirmed it: for a durable queue
it is then on the disk, for a quorum queue on most of its servers. Where a connection breaks between the
message and its confirm, nobody knows: it is published again, or the caller is told so.
"""

import time
from collections.abc import Sequence
from typing import Final

from sedano.amqp.pool import LinkPool
from sedano.brokers.amqp.sending import Batch, Sending, draft, first_error
from sedano.brokers.publication import Publication
from sedano.clock import Clock
from sedano.errors import BrokerUnavailable

#: Before the rest of a batch is tried again, seconds; then twice as long, and so on.
_PAUSE: Final = 0.02


class Publishing:
    """Thread-safe.

    Args:
        timeout: Seconds that publishing may take in all.
    """

    def __init__(self, pool: LinkPool, sending: Sending, clock: Clock, *, timeout: float) -> None:
        self._pool = pool
        self._sending = sending
        self._clock = clock
        self._timeout = timeout

    def publish(self, publications: Sequence[Publication]) -> None:
        """Put these in.

        RabbitMQ knows no step that takes many: where it has taken some, the others are tried again until the
        time is up. Where it has certainly or perhaps taken none, that is left to the caller.
        """
        deadline = time.monotonic() + self._timeout
        now = self._clock.timestamp()
        batch = Batch(draft(one, now) for one in publications)
        pause = _PAUSE
        while True:
            try:
                with self._pool.lend(deadline) as line:
                    refusals = self._sending.send(line.link, line.confirms, batch, deadline=deadline)
                if not refusals:
                    return
                raise first_error(refusals)
            except BrokerUnavailable:
                if len(batch.left) == len(publications) or time.monotonic() + pause >= deadline:
                    raise
            time.sleep(pause)
            pause *= 2

    def close(self) -> None:
        """Close connections. Idempotent."""
        self._pool.close()
