"""Results in a Redis Cluster: each in a slot of its own, so each at a server of its own.

Used by ``RedisResultStore``. Never knows what a document holds.
"""

import random
from collections.abc import Sequence

from redis.connection import Connection

from sedano.redis.cluster_link import ClusterLink
from sedano.redis.link import ScriptRun
from sedano.redis.redis_url import RedisLocation
from sedano.results.redis.chord_scripts import CHORD_SCRIPTS
from sedano.results.redis.result_server import PUT, ScriptResult, put_arguments, translate


class ClusterServer:
    """A ``ResultServer``."""

    one_step = False

    def __init__(self, location: RedisLocation, *, timeout: float, most_connections: int) -> None:
        self.location = location.identity
        #: The way there.
        self.link = ClusterLink(
            location,
            timeout=timeout,
            translate=translate,
            most_connections=max(1, most_connections - 1),
            scripts=(PUT, *CHORD_SCRIPTS),
        )

    def put(self, results: Sequence[ScriptResult]) -> None:
        self.link.run_many([ScriptRun(PUT, *put_arguments([result])) for result in results])

    def get(self, key: bytes) -> bytes | None:
        document: bytes | None = self.link.call("GET", key)
        return document

    def get_many(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        return self.link.pipeline([("GET", key) for key in keys])

    def delete(self, *keys: bytes) -> None:
        self.link.call("DEL", *keys)

    def subscription(self) -> Connection:
        """To any server: what is published at one is heard at all."""
        server = random.choice(self.link.servers())
        return server.dedicated(timeout=server.timeout, client_name="sedano-results")

    def close(self) -> None:
        self.link.close()
