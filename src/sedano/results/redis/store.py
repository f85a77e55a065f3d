"""Results in Redis or Valkey under Celery's keys: either side reads what the other stored.

Opened by ``results.opening``. A result's time to live is the server's business, so there is nothing to prune.
Never looks into a document, but for the script that asks whether it is a SUCCESS.
"""

import os
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sedano.clock import Clock, SystemClock
from sedano.redis import transport_options
from sedano.redis.link import MOST_CONNECTIONS
from sedano.redis.redis_url import RedisLocation
from sedano.results.group_store import GroupStore
from sedano.results.redis.cluster_server import ClusterServer
from sedano.results.redis.groups import RedisGroups
from sedano.results.redis.joint_results import RedisJointResults
from sedano.results.redis.result_keys import ResultKeys, success_mark
from sedano.results.redis.result_server import ResultServer, ScriptResult, translate
from sedano.results.redis.single_server import SingleServer
from sedano.results.redis.subscriber import Subscriber
from sedano.results.result_write import ResultWrite
from sedano.results.store import JointResults

if TYPE_CHECKING:
    from sedano.results.async_results import AsyncResults

#: Results in one call of the script: a longer one would keep other clients waiting.
_BATCH: Final = 250


class RedisResultStore:
    """A ``ResultStore``.

    Args:
        location: The server, or the cluster.
        prefix: In front of every key; the option ``global_keyprefix``.
        timeout: How long any call may take.
        most_connections: How many connections a process may have, with the one that hears of changes.
        ordered_chords: What the members of a chord ended with is kept by their index, rather than as it came.
        clock: Its wall time is what expiry is counted from.
    """

    name = "redis"
    push = True

    def __init__(
        self,
        location: RedisLocation,
        *,
        prefix: str = "",
        timeout: timedelta = timedelta(seconds=2),
        most_connections: int = MOST_CONNECTIONS,
        ordered_chords: bool = True,
        clock: Clock | None = None,
    ) -> None:
        kind = ClusterServer if location.cluster else SingleServer
        self._server: ResultServer = kind(
            location, timeout=timeout.total_seconds(), most_connections=most_connections
        )
        self.location = self._server.location
        self._keys = ResultKeys(prefix, in_cluster=location.cluster)
        clock = clock or SystemClock()
        self._groups = RedisGroups(self._server.link, self._keys, clock, ordered=ordered_chords)
        self.groups: GroupStore = self._groups
        self._joint = RedisJointResults(self._keys, clock, ordered=ordered_chords)
        self._location = location
        self._timeout = timeout.total_seconds()
        self._most_connections = most_connections
        self._async_results: AsyncResults | None = None
        self._close_async: Callable[[], None] | None = None
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._subscriber = Subscriber(self._server.subscription)
        #: Each thread's moment of its last look, which a wait goes on from.
        self._seen = threading.local()

    @classmethod
    def from_url(
        cls, url: str, *, options: Mapping[str, Any], timeout: timedelta, clock: Clock, base_dir: Path
    ) -> "RedisResultStore":
        """As ``results.opening`` calls it."""
        transport_options.check(options, url, setting="result_backend_transport_options")
        return cls(
            RedisLocation.from_url(url, options=options, setting="result_backend"),
            prefix=str(options.get("global_keyprefix") or ""),
            timeout=timeout,
            most_connections=int(options.get("max_connections") or MOST_CONNECTIONS),
            ordered_chords=bool(options.get("result_chord_ordered", True)),
            clock=clock,
        )

    def put(self, writes: Sequence[ResultWrite]) -> None:
        for start in range(0, len(writes), _BATCH):
            batch: list[ScriptResult] = []
            self._joint.write(batch, writes[start : start + _BATCH])
            self._server.put(batch)

    def get(self, task_id: str) -> bytes | None:
        self._look()
        return self._server.get(self._keys.of_task(task_id))

    def get_many(self, task_ids: Collection[str]) -> Mapping[str, bytes]:
        if not task_ids:
            return {}
        self._look()
        ids = list(task_ids)
        documents = self._server.get_many([self._keys.of_task(task_id) for task_id in ids])
        return {
            task_id: document
            for task_id, document in zip(ids, documents, strict=True)
            if document is not None
        }

    def wait(self, task_ids: Collection[str], timeout: float | None) -> None:
        subscriber = self._own_subscriber()
        keys = [self._keys.of_task(task_id) for task_id in task_ids]
        since = getattr(self._seen, "moment", -1)
        self._seen.moment = subscriber.wait(keys, since=since, timeout=timeout)

    def forget(self, task_id: str) -> None:
        key = self._keys.of_task(task_id)
        self._server.delete(key, success_mark(key))

    def prune(self, *, limit: int = 1000) -> int:
        """There is nothing to do: the server deletes what has expired."""
        return 0

    def joint_with(self, broker_location: str) -> JointResults | None:
        return self._joint if self._server.one_step and broker_location == self.location else None

    @property
    def async_results(self) -> "AsyncResults":
        """The way of coroutines: its own to one server; through threads to a cluster and behind Sentinel."""
        if self._async_results is None:
            # Imported here: only those need it who ask from coroutines.
            from sedano.loops.threads import in_thread
            from sedano.redis.async_link import AsyncLink, is_native
            from sedano.results.async_results import SyncResults
            from sedano.results.redis.async_results import RedisAsyncResults
            from sedano.results.redis.heard_changes import HeardChanges

            changes = HeardChanges(self._own_subscriber, self._keys)
            if is_native(self._location):
                link = AsyncLink(
                    self._location,
                    timeout=self._timeout,
                    translate=translate,
                    most_connections=max(1, self._most_connections - 1),
                )
                self._async_results = RedisAsyncResults(
                    link, self._keys, joint=self._joint, groups=self._groups, changes=changes
                )
                self._close_async = link.close
            else:
                self._async_results = SyncResults(lambda: self, in_thread, changes=changes)
        return self._async_results

    def close(self) -> None:
        self._own_subscriber().close()
        self._server.close()
        if self._close_async is not None:
            self._close_async()

    def _look(self) -> None:
        """What changes from this moment on may not be in what this thread is about to read."""
        moment = self._own_subscriber().moment
        self._seen.moment = moment

    def _own_subscriber(self) -> Subscriber:
        if self._pid != os.getpid():  # a fork: the parent keeps its thread
            self._begin()
        return self._subscriber
