"""Results in a Redis Cluster: each in a slot of its own, so each on a node of its own.

Used by ``RedisResultStore``. redis-py finds the nodes and follows what moves.
"""

import contextlib
import os
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.connection import Connection
from redis.exceptions import NoScriptError, RedisClusterException, RedisError, ResponseError
from redis.retry import Retry

from sedano.redis.connections import connect
from sedano.redis.redis_diagnosis import diagnose
from sedano.redis.redis_url import RedisLocation
from sedano.results.redis.result_server import PUT, ScriptResult, put_arguments, translate


class ClusterServer:
    """A ``ResultServer``."""

    one_step = False

    def __init__(self, location: RedisLocation, *, timeout: float, most_connections: int) -> None:
        self.location = location.identity
        self._where = location
        self._timeout = timeout
        self._most_connections = max(1, most_connections - 1)
        self._lock = threading.Lock()  # guards _cluster
        self._cluster: Any = None
        self._pid = os.getpid()

    def put(self, results: Sequence[ScriptResult]) -> None:
        with self._translated_errors():
            cluster = self._open()
            by_node: dict[str, list[ScriptResult]] = defaultdict(list)
            for result in results:
                by_node[cluster.get_node_from_key(result[0]).name].append(result)
            for name, batch in by_node.items():
                self._put_on_node(cluster, name, batch)

    def _put_on_node(self, cluster: Any, name: str, batch: Sequence[ScriptResult]) -> None:
        with cluster.get_node(node_name=name).redis_connection.pipeline(transaction=False) as pipeline:
            for result in batch:
                keys, arguments = put_arguments([result])
                pipeline.evalsha(PUT.sha, 1, *keys, *arguments)
            answers = pipeline.execute(raise_on_error=False)
        for result, answer in zip(batch, answers, strict=True):
            if isinstance(answer, ResponseError):
                # The slot has moved, or this node does not know the script yet.
                self._put_one(cluster, result)

    def _put_one(self, cluster: Any, result: ScriptResult) -> None:
        keys, arguments = put_arguments([result])
        with contextlib.suppress(NoScriptError):
            cluster.evalsha(PUT.sha, 1, *keys, *arguments)
            return
        cluster.eval(PUT.source, 1, *keys, *arguments)

    def get(self, key: bytes) -> bytes | None:
        with self._translated_errors():
            document: bytes | None = self._open().get(key)
        return document

    def get_many(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        with self._translated_errors():
            documents: list[bytes | None] = self._open().mget_nonatomic(keys)
        return documents

    def delete(self, *keys: bytes) -> None:
        with self._translated_errors():
            self._open().delete(*keys)

    def subscription(self) -> Connection:
        """To any node: what is published on one is heard on all."""
        with self._translated_errors():
            node = self._open().get_random_node()
            where = replace(self._where, host=node.host, port=node.port, cluster=False)
            return connect(where, timeout=self._timeout, client_name="sedano-results")

    def close(self) -> None:
        with self._lock:
            cluster, self._cluster = self._cluster, None
        if cluster is not None:
            cluster.close()

    def _open(self) -> Any:
        if self._pid != os.getpid():  # a fork
            self._lock, self._cluster, self._pid = threading.Lock(), None, os.getpid()
        with self._lock:
            if self._cluster is None:
                self._cluster = self._connect()
            return self._cluster

    def _connect(self) -> Any:
        where = self._where
        return RedisCluster(
            host=where.host,
            port=where.port,
            username=where.username,
            password=where.password,
            # A second try, when redis-py has asked the others where the slot is now, is within the deadline.
            retry=Retry(NoBackoff(), 1),
            socket_timeout=self._timeout / 2,
            socket_connect_timeout=self._timeout / 2,
            protocol=2,
            max_connections=self._most_connections,
        )

    @contextlib.contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except (RedisError, RedisClusterException, OSError) as error:
            raise translate(diagnose(error)) from error
