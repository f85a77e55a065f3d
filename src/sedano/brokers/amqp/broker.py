"""Messages in RabbitMQ, as Celery has them there.

Opened by ``brokers.opening``. Never imports a task.

How safe a message is: ``publish`` returns when the server has confirmed each message. A durable queue has it
on the disk then, a quorum queue on the disks of most of its servers. If the connection breaks before the
confirm has come, the message is in the queue or it is not, and nobody can tell: it is sent again, so that it
may be there twice and is never lost unnoticed.
"""

import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from sedano.amqp.amqp_url import AmqpLocation
from sedano.amqp.failures import NAME
from sedano.amqp.link import AmqpLink
from sedano.amqp.pool import LinkPool
from sedano.brokers.amqp.delays import Delays
from sedano.brokers.amqp.publishing import Publishing
from sedano.brokers.amqp.sending import Sending
from sedano.brokers.amqp.topology import Topology
from sedano.brokers.features import BrokerFeatures
from sedano.brokers.publication import Publication
from sedano.clock import Clock, SystemClock
from sedano.queues.queue_table import QueueTable
from sedano.settings.wiring import Wiring


class AmqpBroker:
    """A ``Broker``.

    Args:
        location: The server, or some of which any will do.
        wiring: The application's queues, and how to connect.
        publish_timeout: How long publishing may take, tries and all.
        clock: Its wall time is what due times are compared with.
    """

    name = NAME

    def __init__(
        self,
        location: AmqpLocation,
        *,
        wiring: Wiring | None = None,
        publish_timeout: timedelta = timedelta(seconds=2),
        clock: Clock | None = None,
    ) -> None:
        self.location = location.identity
        self._location = location
        self._wiring = wiring or Wiring()
        self._clock = clock or SystemClock()
        self._timeout = publish_timeout.total_seconds()
        sending = Sending(
            Topology(QueueTable(self._wiring.queues)), Delays(self._wiring.delayed_queue_type), self._clock
        )
        self._publishing = Publishing(
            LinkPool(self._publishers_link), sending, self._clock, timeout=self._timeout
        )

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        options: Mapping[str, Any],
        publish_timeout: timedelta,
        clock: Clock,
        base_dir: Path,
        wiring: Wiring,
    ) -> "AmqpBroker":
        """As ``brokers.opening`` calls it."""
        location = AmqpLocation.from_url(
            url,
            use_ssl=wiring.use_ssl,
            login_method=wiring.login_method,
            spread=wiring.failover_strategy == "shuffle",
        )
        return cls(location, wiring=wiring, publish_timeout=publish_timeout, clock=clock)

    def publish(self, publications: Sequence[Publication]) -> None:
        if publications:
            self._publishing.publish(publications)

    def close(self) -> None:
        self._publishing.close()

    def _publishers_link(self) -> AmqpLink:
        return AmqpLink(self._location, timeout=self._timeout, name=f"sedano publisher {os.getpid()}")
