"""Messages in Redis or Valkey, in the layout of Celery's Redis transport.

Opened by ``brokers.opening``. Never imports a task.

How safe a message is: ``publish`` returns when the server has answered. What the server keeps over its own
death is its business: ``appendonly yes`` with ``appendfsync always`` keeps everything, ``everysec`` all but
the last second, snapshots what they caught. Any eviction policy but ``noeviction`` throws messages away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sedano.brokers.features import BrokerFeatures
from sedano.brokers.publication import Publication
from sedano.brokers.redis import scripts
from sedano.brokers.redis.admin import RedisAdmin
from sedano.brokers.redis.lease import RedisLease
from sedano.brokers.redis.publishing import Publishing
from sedano.brokers.redis.ticks import RedisTicks
from sedano.brokers.ticks import TickStore
from sedano.clock import Clock, SystemClock
from sedano.errors import BrokerError, BrokerUnavailable, ConfigurationError
from sedano.redis import transport_options
from sedano.redis.key_names import KeyNames
from sedano.redis.links import open_link
from sedano.redis.redis_diagnosis import Diagnosis
from sedano.redis.redis_url import RedisLocation
from sedano.results.store import JointResults

if TYPE_CHECKING:
    from sedano.brokers.async_publishing import AsyncPublishing
    from sedano.brokers.redis.async_publishing import RedisAsyncPublishing

_FEATURES: Final = BrokerFeatures(
    transactional_publish=False,
    joint_results=True,
    priority_levels=4,
    higher_priority_first=False,
    keeps_place=False,
    push=True,
    claims_by_task=True,
    durable=True,
    shared_rates=True,
)

#: Results have slots of their own.
_FEATURES_IN_CLUSTER: Final = replace(_FEATURES, joint_results=False)

#: Of the publish deadline, for one try: the publisher tries a second time within it.
_OF_DEADLINE: Final = 0.45


class RedisBroker:
    """A ``Broker``.

    Args:
        location: The server, or the cluster.
        names: What the keys are called: prefix, separator, priority steps.
        publish_timeout: How long publishing may take, tries and all.
        clock: Its wall time is what due times and leases are compared with, by all nodes.
    """

    name = "redis"

    def __init__(
        self,
        location: RedisLocation,
        *,
        names: KeyNames | None = None,
        publish_timeout: timedelta = timedelta(seconds=2),
        clock: Clock | None = None,
    ) -> None:
        self.features = _FEATURES_IN_CLUSTER if location.cluster else _FEATURES
        self.location = location.identity
        self._clock = clock or SystemClock()
        self._names = names or KeyNames()
        timeout = publish_timeout.total_seconds()
        self._publishing = Publishing(
            open_link(location, timeout=timeout * _OF_DEADLINE, translate=_translate),
            self._names,
            self._clock,
        )
        # Of the nodes and of people: they have time, and must not wait behind publishers.
        self._link = open_link(
            location, timeout=max(timeout, 2.0), translate=_translate, scripts=scripts.OF_A_LEASE
        )
        self.admin = RedisAdmin(self._link, self._names, self._clock)
        self.ticks: TickStore | None = RedisTicks(self._link, self._names)
        self._location = location
        self._publish_timeout = timeout * _OF_DEADLINE
        self._async_publishing: RedisAsyncPublishing | None = None

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        options: Mapping[str, Any],
        publish_timeout: timedelta,
        clock: Clock,
        base_dir: Path,
    ) -> "RedisBroker":
        """As ``brokers.opening`` calls it."""
        transport_options.check(options, url, setting="broker_transport_options")
        location = RedisLocation.from_url(url, options=options)
        names = KeyNames.from_options(options)
        return cls(location, names=names, publish_timeout=publish_timeout, clock=clock)

    def publish(self, publications: Sequence[Publication]) -> None:
        if publications:
            self._publishing.publish(publications)

    @property
    def async_publishing(self) -> "AsyncPublishing | None":
        """The way of coroutines; None where they use threads: to a cluster, and behind Sentinel."""
        if self._async_publishing is None:
            # Imported here: only those need it who publish from coroutines.
            from sedano.brokers.redis.async_publishing import RedisAsyncPublishing
            from sedano.redis.async_link import AsyncLink, is_native

            if not is_native(self._location):
                return None
            link = AsyncLink(self._location, timeout=self._publish_timeout, translate=_translate)
            self._async_publishing = RedisAsyncPublishing(link, self._publishing, self._clock)
        return self._async_publishing

    def lease(self, node: str, *, duration: timedelta, results: JointResults | None = None) -> RedisLease:
        return RedisLease(
            self._link, self._names, node, duration=duration, results=results, clock=self._clock
        )

    def close(self) -> None:
        self._publishing.close()
        self._link.close()
        if self._async_publishing is not None:
            self._async_publishing.close()


def _translate(diagnosis: Diagnosis) -> Exception:
    if diagnosis.configuration:
        return ConfigurationError(f"The redis broker: {diagnosis.reason}")
    if diagnosis.passing:
        return BrokerUnavailable("redis", diagnosis.reason)
    return BrokerError(f"The redis broker: {diagnosis.reason}")
