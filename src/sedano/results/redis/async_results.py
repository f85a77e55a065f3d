"""Results in one Redis server, for coroutines: over asynchronous connections of each loop's own.

Made by ``RedisResultStore``. What hears of changes is the store's one subscriber, which wakes the loops.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

from sedano.loops.loop_local import LoopLocal
from sedano.redis.async_link import AsyncLink
from sedano.results.lookout import Lookout, ResultChanges
from sedano.results.redis.groups import RedisGroups
from sedano.results.redis.joint_results import RedisJointResults
from sedano.results.redis.result_keys import ResultKeys, success_mark
from sedano.results.redis.result_server import PUT, ScriptResult, put_arguments
from sedano.results.result_write import ResultWrite
from sedano.results.workflow_start import WorkflowStart

Documents: TypeAlias = Mapping[str, bytes]


class RedisAsyncResults:
    """An ``AsyncResults``."""

    def __init__(
        self,
        link: AsyncLink,
        keys: ResultKeys,
        *,
        joint: RedisJointResults,
        groups: RedisGroups,
        changes: ResultChanges,
    ) -> None:
        self._link = link
        self._keys = keys
        self._joint = joint
        self._groups = groups
        self.lookouts: LoopLocal[Lookout] = LoopLocal(lambda: Lookout(self._get_many, changes))

    async def put(self, writes: Sequence[ResultWrite]) -> None:
        """As the port says."""
        for write in writes:
            result: list[ScriptResult] = []
            self._joint.write(result, [write])
            await self._link.run(PUT, *put_arguments(result))

    async def forget(self, task_ids: Collection[str]) -> None:
        """As the port says."""
        keys = [self._keys.of_task(task_id) for task_id in task_ids]
        if keys:
            await self._link.call("DEL", *keys, *map(success_mark, keys))

    async def begin(self, start: WorkflowStart) -> None:
        """As the port says."""
        commands: list[tuple[Any, ...]] = [self._groups.saving(*group) for group in start.groups]
        for chord in start.chords:
            commands += self._groups.beginning(*chord)
        if commands:
            await self._link.transaction(commands)

    async def within_transaction(self, task_ids: Collection[str], *, waits: bool) -> Documents | None:
        """There are no transactions of callers."""
        return None

    async def _get_many(self, task_ids: Collection[str]) -> Documents:
        ids = list(task_ids)
        documents = await self._link.call("MGET", *map(self._keys.of_task, ids))
        return {
            task_id: document
            for task_id, document in zip(ids, documents, strict=True)
            if document is not None
        }

    def close(self) -> None:
        """Close connections. Idempotent."""
        self._link.close()
