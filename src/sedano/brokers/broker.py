"""The port to the place where messages wait. One implementation per kind of server."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from sedano.brokers.admin import BrokerAdmin
from sedano.brokers.features import BrokerFeatures
from sedano.brokers.lease import Lease
from sedano.brokers.publication import Publication
from sedano.brokers.ticks import TickStore
from sedano.results.store import JointResults


class Broker(Protocol):
    """Thread-safe. Survives a fork: the child opens connections of its own.

    Errors of the driver come out as ``BrokerUnavailable`` (try again) or ``BrokerError``.
    """

    #: Such as ``sqlite``: for messages to people.
    name: str
    #: Where it is, without secrets; two brokers or stores with the same location share their storage.
    location: str
    features: BrokerFeatures
    admin: BrokerAdmin
    #: Where schedulers claim ticks; None where nothing but messages can be kept.
    ticks: TickStore | None

    def publish(self, publications: Sequence[Publication]) -> None:
        """Put messages in: all of them, or none and an error.

        When it returns they are as durable as the broker makes anything. Takes at most the broker's
        publish deadline (default 2 s), then raises ``BrokerUnavailable``.
        """

    def lease(self, node: str, *, duration: timedelta, results: JointResults | None = None) -> Lease:
        """Begin a new incarnation of a node, which may claim until ``duration`` passes without ``renew``.

        Args:
            node: The node's name; the incarnation is derived from it.
            results: How to store results within the step that settles; from ``ResultStore.joint_with``.
        """

    def close(self) -> None:
        """Close connections. Idempotent; the broker opens them again when used again."""
