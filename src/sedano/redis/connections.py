"""How to make a connection to a Redis: redis-py's, with deadlines and without retries of its own.

Called by ``RedisLink`` and by whoever blocks on a connection of its own. Never keeps a connection.
"""

import inspect
import time
from typing import Any, Final, cast

from redis.backoff import NoBackoff
from redis.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection
from redis.retry import Retry
from redis.sentinel import Sentinel

from sedano.redis.redis_url import RedisLocation

#: Not to tell the server which library we use saves two round trips on every new connection. redis-py has
#: changed how that is said.
_ANONYMOUS: Final[dict[str, None]] = (
    {"driver_info": None}
    if "driver_info" in inspect.signature(AbstractConnection).parameters
    else {"lib_name": None, "lib_version": None}
)


def connect(location: RedisLocation, *, timeout: float, client_name: str | None = None) -> Connection:
    """A connection that is up, has its database selected, and answers bytes.

    Args:
        timeout: Seconds that reaching the server, and each of its answers, may take.
        client_name: What ``CLIENT LIST`` shows.

    Raises:
        redis.RedisError, OSError: It could not be made.
    """
    connection = _connection(location, timeout, client_name)
    connection.connect()
    return connection


def _connection(location: RedisLocation, timeout: float, client_name: str | None) -> Connection:
    keywords = {**keywords_for(location, timeout), "retry": Retry(NoBackoff(), 0), "client_name": client_name}
    if location.path is not None:
        # To type checkers redis-py's class is abstract, and no kind of Connection; it serves as one.
        unix: Any = UnixDomainSocketConnection
        return cast(Connection, unix(**keywords))
    if location.sentinels:
        began = time.monotonic()
        keywords["host"], keywords["port"] = _ask_sentinels(location, timeout)
        keywords["socket_connect_timeout"] = max(0.01, timeout - (time.monotonic() - began))
    return SSLConnection(**keywords) if location.tls is not None else Connection(**keywords)


def keywords_for(location: RedisLocation, timeout: float) -> dict[str, Any]:
    """What redis-py's classes of connections need to know of a server, asynchronous ones too."""
    keywords: dict[str, Any] = {
        "db": location.db,
        "username": location.username,
        "password": location.password,
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "protocol": 2,
        **_ANONYMOUS,
    }
    if location.path is not None:
        return {**keywords, "path": location.path}
    keywords |= {"host": location.host, "port": location.port, "socket_keepalive": True}
    return {**keywords, **(location.tls or {})}


def _ask_sentinels(location: RedisLocation, timeout: float) -> tuple[str, int]:
    """Where the server is that takes writes now. Asked for every new connection, so it follows failovers."""
    # One after the other is asked, and the server has to be reached then: all within the time there is.
    share = timeout / (len(location.sentinels) + 1)
    keywords = {"socket_timeout": share, "socket_connect_timeout": share, "retry": Retry(NoBackoff(), 0)}
    sentinel = Sentinel(
        list(location.sentinels), sentinel_kwargs={**keywords, **_ANONYMOUS, **location.sentinel_options}
    )
    try:
        host, port = sentinel.discover_master(location.master_name)
    finally:
        for client in sentinel.sentinels:
            client.close()
    return str(host), int(port)
