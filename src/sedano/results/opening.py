"""From a URL to a result store.

Called by the application, with its ``result_backend``. Imports the one adapter that is wanted.
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, cast

from sedano.brokers.opening import scheme_of
from sedano.clock import Clock, SystemClock
from sedano.errors import ConfigurationError, NotSupported, did_you_mean
from sedano.loading import advertised, load_adapter
from sedano.queues.exchange_brokers import has_exchanges
from sedano.results.store import ResultStore
from sedano.settings.wiring import Wiring

#: Scheme -> the function that opens such a store; called as ``open_result_store`` is, and all keywords given
#: (``wiring`` only for results that go through a broker with exchanges).
STORES: Final[Mapping[str, str]] = {
    "django": "sedano.contrib.django.result_store:DjangoResultStore.from_url",
    "memory": "sedano.results.memory_store:MemoryResultStore.from_url",
    "redis": "sedano.results.redis.store:RedisResultStore.from_url",
    "redis+cluster": "sedano.results.redis.store:RedisResultStore.from_url",
    "redis+socket": "sedano.results.redis.store:RedisResultStore.from_url",
    "rpc+amqp": "sedano.results.rpc.store:RpcResultStore.from_url",
    "rpc+amqps": "sedano.results.rpc.store:RpcResultStore.from_url",
    "rpc+pyamqp": "sedano.results.rpc.store:RpcResultStore.from_url",
    "rediss": "sedano.results.redis.store:RedisResultStore.from_url",
    "sentinel": "sedano.results.redis.store:RedisResultStore.from_url",
    "sqlite": "sedano.results.sqlite.store:SqliteResultStore.from_url",
    "valkey": "sedano.results.redis.store:RedisResultStore.from_url",
    "valkeys": "sedano.results.redis.store:RedisResultStore.from_url",
}

#: Third parties add stores under this group of entry points; an entry's name is the scheme.
ENTRY_POINTS: Final = "sedano.result_stores"

# fmt: off
#: Celery has them, this version does not.
_NOT_YET: Final = frozenset({
    "amqp", "amqps", "arangodb", "azureblockblob", "cache", "cassandra", "consul", "cosmosdbsql",
    "couchbase", "couchdb", "db", "django-cache", "django-db", "dynamodb", "elasticsearch", "file",
    "filesystem", "gs", "mongodb", "postgres", "postgresql", "s3",
})
# fmt: on


def open_result_store(
    url: str,
    *,
    options: Mapping[str, Any] | None = None,
    timeout: timedelta = timedelta(seconds=2),
    clock: Clock | None = None,
    base_dir: Path | None = None,
    wiring: Wiring | None = None,
) -> ResultStore:
    """Open the result store at a URL. No connection is made before it is used.

    Args:
        options: The store's own settings, from ``result_backend_transport_options``.
        timeout: How long a call may take.
        base_dir: What a relative path in the URL is relative to; the current directory if None.
        wiring: For results that go through a broker with exchanges: how to connect.

    Raises:
        ConfigurationError: No store has this scheme, or its URL or options are wrong.

    >>> open_result_store("memory://").name
    'memory'
    """
    opener = load_adapter(_opener_path(scheme_of(url, "result_backend")))
    more = {"wiring": wiring or Wiring()} if has_exchanges(url) else {}
    return cast(
        ResultStore,
        opener(
            url,
            options=options or {},
            timeout=timeout,
            clock=clock or SystemClock(),
            base_dir=base_dir or Path.cwd(),
            **more,
        ),
    )


def _opener_path(scheme: str) -> str:
    if scheme in STORES:
        return STORES[scheme]
    added = advertised(ENTRY_POINTS)
    if scheme in added:
        return added[scheme]
    known = sorted({*STORES, *added})
    if scheme.partition("+")[0] in _NOT_YET:
        raise NotSupported(
            f"Results in {scheme} are not in this version of Sedano. It has: {', '.join(known)}."
        )
    raise ConfigurationError(
        f"result_backend: there is no result store for {scheme!r}.{did_you_mean(scheme, known)}"
        f" Known ones: {', '.join(known)}."
    )
