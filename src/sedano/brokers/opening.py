"""From a URL to a broker.

Called by the application, with its ``broker_url``. Imports the one adapter that is wanted.
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, cast

from sedano.brokers.broker import Broker
from sedano.clock import Clock, SystemClock
from sedano.errors import ConfigurationError, NotSupported, did_you_mean
from sedano.loading import advertised, load_adapter
from sedano.queues.exchange_brokers import has_exchanges
from sedano.settings.wiring import Wiring

#: Scheme -> the function that opens such a broker; called as ``open_broker`` is, and all keywords given
#: (``wiring`` only for schemes of ``exchange_brokers``).
BROKERS: Final[Mapping[str, str]] = {
    "amqp": "sedano.brokers.amqp.broker:AmqpBroker.from_url",
    "amqps": "sedano.brokers.amqp.broker:AmqpBroker.from_url",
    "django": "sedano.contrib.django.broker:DjangoBroker.from_url",
    "memory": "sedano.brokers.memory.broker:MemoryBroker.from_url",
    "pyamqp": "sedano.brokers.amqp.broker:AmqpBroker.from_url",
    "redis": "sedano.brokers.redis.broker:RedisBroker.from_url",
    "redis+cluster": "sedano.brokers.redis.broker:RedisBroker.from_url",
    "redis+socket": "sedano.brokers.redis.broker:RedisBroker.from_url",
    "rediss": "sedano.brokers.redis.broker:RedisBroker.from_url",
    "sentinel": "sedano.brokers.redis.broker:RedisBroker.from_url",
    "sqlite": "sedano.brokers.sqlite.broker:SqliteBroker.from_url",
    "valkey": "sedano.brokers.redis.broker:RedisBroker.from_url",
    "valkeys": "sedano.brokers.redis.broker:RedisBroker.from_url",
}

#: Third parties add brokers under this group of entry points; an entry's name is the scheme.
ENTRY_POINTS: Final = "sedano.brokers"

# fmt: off
#: Celery has them, this version does not.
_NOT_YET: Final = frozenset({
    "azureservicebus", "azurestoragequeues", "confluentkafka", "consul", "etcd",
    "filesystem", "gcpubsub", "kafka", "librabbitmq", "mongodb", "postgres", "postgresql",
    "pyro", "qpid", "sqla", "sqs", "zookeeper",
})
# fmt: on


def open_broker(
    url: str,
    *,
    options: Mapping[str, Any] | None = None,
    publish_timeout: timedelta = timedelta(seconds=2),
    clock: Clock | None = None,
    base_dir: Path | None = None,
    wiring: Wiring | None = None,
) -> Broker:
    """Open the broker at a URL. No connection is made before it is used.

    Args:
        options: The broker's own settings, from ``broker_transport_options``.
        publish_timeout: How long publishing may take before ``BrokerUnavailable`` is raised.
        base_dir: What a relative path in the URL is relative to; the current directory if None.
        wiring: For a broker with exchanges: the application's queues, and how to connect.

    Raises:
        ConfigurationError: No broker has this scheme, or its URL or options are wrong.

    >>> open_broker("memory://").name
    'memory'
    """
    opener = load_adapter(_opener_path(scheme_of(url, "broker_url")))
    more = {"wiring": wiring or Wiring()} if has_exchanges(url) else {}
    return cast(
        Broker,
        opener(
            url,
            options=options or {},
            publish_timeout=publish_timeout,
            clock=clock or SystemClock(),
            base_dir=base_dir or Path.cwd(),
            **more,
        ),
    )


def has_broker(url: str) -> bool:
    """Whether there is a broker for the place that a URL names.

    >>> has_broker("sqlite:///results.db"), has_broker("rpc://")
    (True, False)
    """
    scheme = scheme_of(url, "broker_url")
    return scheme in BROKERS or scheme in advertised(ENTRY_POINTS)


def scheme_of(url: str, setting: str) -> str:
    """The part of a URL that says what kind of server it is. Never shows the rest: it may hold a password."""
    scheme, separator, _ = url.partition("://")
    if not separator or not scheme:
        raise ConfigurationError(
            f"{setting}: expected a URL such as sqlite:///sedano.db, got {_start_of(url)!r}."
        )
    return scheme.lower()


def _start_of(url: str) -> str:
    return url if len(url) <= 20 and "@" not in url else f"{url[:8]}..."


def _opener_path(scheme: str) -> str:
    if scheme in BROKERS:
        return BROKERS[scheme]
    added = advertised(ENTRY_POINTS)
    if scheme in added:
        return added[scheme]
    known = sorted({*BROKERS, *added})
    if scheme.partition("+")[0] in _NOT_YET:
        raise NotSupported(
            f"A broker on {scheme} is not in this version of Sedano. It has: {', '.join(known)}."
        )
    raise ConfigurationError(
        f"broker_url: there is no broker for {scheme!r}.{did_you_mean(scheme, known)}"
        f" Known ones: {', '.join(known)}."
    )
