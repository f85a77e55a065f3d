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
from typing import Any, Final

from sedano.amqp.amqp_url import AmqpLocation
from sedano.amqp.failures import NAME
from sedano.amqp.link import AmqpLink
from sedano.amqp.pool import LinkPool
from sedano.brokers.amqp.admin import AmqpAdmin
from sedano.brokers.amqp.delays import Delays
from sedano.brokers.amqp.keeping import USUAL_TIMEOUT
from sedano.brokers.amqp.lease import AmqpLease
from sedano.brokers.amqp.orphans import GRACE
from sedano.brokers.amqp.outbound import Outbound
from sedano.brokers.amqp.publishing import Publishing
from sedano.brokers.amqp.sending import Sending
from sedano.brokers.amqp.topology import Topology
from sedano.brokers.features import BrokerFeatures
from sedano.brokers.publication import Publication
from sedano.brokers.ticks import TickStore
from sedano.clock import Clock, SystemClock
from sedano.errors import ConfigurationError, did_you_mean
from sedano.queues.queue_table import CLASSIC, QueueTable
from sedano.results.store import JointResults
from sedano.settings.wiring import Wiring

_OPTIONS: Final = frozenset({"consumer_timeout"})
# fmt: off
#: Celery has them; they would change nothing here.
_CELERYS_OPTIONS: Final = frozenset({
    "client_properties", "confirm_publish", "confirm_timeout", "connect_timeout", "interval_max",
    "interval_start", "interval_step", "max_retries", "polling_interval", "read_timeout", "socket_settings",
    "visibility_timeout", "write_timeout",
})
# fmt: on


class AmqpBroker:
    """A ``Broker``.

    Args:
        location: The server, or some of which any will do.
        wiring: The application's queues, and how to connect.
        publish_timeout: How long publishing may take, tries and all.
        clock: Its wall time is what due times are compared with.
        consumer_timeout: The server's, seconds.
        grace: How long a node waits for what it held after a loss of its connection, seconds.
    """

    name = NAME

    def __init__(
        self,
        location: AmqpLocation,
        *,
        wiring: Wiring | None = None,
        publish_timeout: timedelta = timedelta(seconds=2),
        clock: Clock | None = None,
        consumer_timeout: float = USUAL_TIMEOUT,
        grace: float = GRACE,
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
        self._sending = sending
        #: Those that may have a connection.
        self._leases: list[AmqpLease] = []
        #: Incarnations of this process that lost their connections: it has not died.
        self._outlived: list[str] = []
        self._consumer_timeout = consumer_timeout
        self._grace = grace
        self.features = _features(sending.topology.queues)
        self.ticks: TickStore | None = None
        self.admin = AmqpAdmin(
            AmqpLink(location, timeout=self._node_timeout, name=f"sedano operator {os.getpid()}"),
            self._outbound,
            publish=self.publish,
            known=sending.topology.names,
            clock=self._clock,
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
        for option in options:
            if option not in _OPTIONS | _CELERYS_OPTIONS:
                raise ConfigurationError(
                    f"broker_transport_options: the RabbitMQ broker has no option {option!r}."
                    f"{did_you_mean(option, sorted(_OPTIONS))}"
                )
        location = AmqpLocation.from_url(
            url,
            use_ssl=wiring.use_ssl,
            login_method=wiring.login_method,
            spread=wiring.failover_strategy == "shuffle",
        )
        return cls(
            location,
            wiring=wiring,
            publish_timeout=publish_timeout,
            clock=clock,
            consumer_timeout=float(options.get("consumer_timeout", USUAL_TIMEOUT)),
        )

    def publish(self, publications: Sequence[Publication]) -> None:
        if publications:
            self._publishing.publish(publications)

    def lease(self, node: str, *, duration: timedelta, results: JointResults | None = None) -> AmqpLease:
        # The server takes a node for dead after two of them.
        heartbeat = min(duration.total_seconds() / 2, self._wiring.heartbeat or float("inf"))
        link = AmqpLink(
            self._location,
            timeout=self._node_timeout,
            heartbeat=heartbeat,
            name=node,
            wakeable=True,
        )
        outlived, self._outlived = self._outlived, []
        try:
            lease = AmqpLease(
                link,
                self._outbound,
                node,
                duration=duration,
                clock=self._clock,
                consumer_timeout=self._consumer_timeout,
                grace=self._grace,
                predecessors=outlived,
                on_lost=self._outlived.append,
            )
        except BaseException:
            self._outlived += outlived
            link.forget()
            raise
        self._leases = [*(one for one in self._leases if one.is_connected), lease]
        return lease

    def close(self) -> None:
        self._publishing.close()
        self.admin.close()
        for lease in self._leases:
            lease.hang_up()

    @property
    def _node_timeout(self) -> float:
        """Of nodes and of people: they have time."""
        return max(self._timeout, self._wiring.connection_timeout)

    def _outbound(self, link: AmqpLink) -> Outbound:
        """For one connection, on which nothing has been declared yet."""
        kind = self._wiring.queues.default_queue_type
        aside = {"x-queue-type": kind} if kind != CLASSIC else {}
        return Outbound(link, self._sending, self._clock, aside=aside, timeout=self._node_timeout)

    def _publishers_link(self) -> AmqpLink:
        return AmqpLink(self._location, timeout=self._timeout, name=f"sedano publisher {os.getpid()}")


def _features(queues: QueueTable) -> BrokerFeatures:
    highest = [int(queue.arguments.get("x-max-priority", 0)) for queue in queues.named]
    return BrokerFeatures(
        transactional_publish=False,
        joint_results=False,
        priority_levels=max(highest) + 1 if any(highest) else 0,
        push=True,
        claims_by_task=False,
        durable=True,
        keeps_place=False,
        exchanges=True,
        returns_claims=True,
        shows_claimed=False,
        tells_begun=False,
        returns_to_front=not queues.has_quorum,
    )
