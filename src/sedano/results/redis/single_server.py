"""Results on one server: by itself, behind a socket, or the one that Sentinel names.

Used by ``RedisResultStore``. Never knows what a document holds.
"""

from collections.abc import Sequence
from typing import Any

from redis.connection import Connection

from sedano.redis.link import RedisLink
from sedano.redis.redis_url import RedisLocation
from sedano.results.redis.result_server import PUT, ScriptResult, put_arguments, translate


class SingleServer:
    """A ``ResultServer``."""

    one_step = True

    def __init__(self, location: RedisLocation, *, timeout: float, most_connections: int) -> None:
        self.location = location.identity
        #: The way there. One connection more is the subscriber's.
        self.link = RedisLink(
            location, timeout=timeout, translate=translate, most_connections=max(1, most_connections - 1)
        )

    def put(self, results: Sequence[ScriptResult]) -> None:
        self.link.run(PUT, *put_arguments(results))

    def get(self, key: bytes) -> bytes | None:
        document: bytes | None = self.link.call("GET", key)
        return document

    def get_many(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        documents: list[Any] = self.link.call("MGET", *keys)
        return documents

    def delete(self, *keys: bytes) -> None:
        self.link.call("DEL", *keys)

    def subscription(self) -> Connection:
        return self.link.dedicated(timeout=self.link.timeout, client_name="sedano-results")

    def close(self) -> None:
        self.link.close()
