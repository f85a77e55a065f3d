"""Many messages in few round trips, from a coroutine.

Used by ``publishing_many`` and ``workflows``. Holds one batch at a time, unless the messages wait for a
commit; those are then sent synchronously, where the commit is made.
"""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

from sedano.brokers.publication import Publication
from sedano.tasks import async_publishing
from sedano.tasks.batches import Batches, Filling
from sedano.tasks.options import NO_OPTIONS, TaskOptions

if TYPE_CHECKING:
    from sedano.tasks.application import Application
    from sedano.tasks.task import Task


class AsyncBatches(Batches):
    """As ``Batches``.

    Args:
        app: The application.
        options: What all calls say of trying again, and of waiting for a commit.
        task: The task, where this process knows it.
        before: Called once, when the first batch may be sent; where that is later, after a commit.
        abefore: The same for coroutines, where that is now.
    """

    def __init__(
        self,
        app: "Application",
        options: TaskOptions = NO_OPTIONS,
        *,
        task: "Task[..., Any] | None" = None,
        before: Callable[[], object] | None = None,
        abefore: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        super().__init__(app.publisher, options, task=task, before=before)
        self._app = app
        self._abefore = abefore

    async def apublish(self, publications: Iterable[Publication] | AsyncIterable[Publication]) -> list[str]:
        """Publish all of them; their ids in order. See ``Batches.publish``."""
        ids: list[str] = []
        filling = Filling()
        try:
            async for publication in _each(publications):
                ids.append(publication.task_id)
                if batch := filling.add(publication):
                    await self._asend_when_allowed(batch)
            if batch := filling.take():
                await self._asend_when_allowed(batch)
        except BaseException as error:
            self._fail(error)
            raise
        return ids

    async def _asend_when_allowed(self, batch: list[Publication]) -> None:
        if await async_publishing.goes_now(
            self._app, lambda: self._send(batch), self._options, task=self._task
        ):
            await self._asend(batch)

    async def _asend(self, batch: list[Publication]) -> None:
        if self._abefore is not None:
            await self._abefore()
        self._before = self._abefore = None
        await async_publishing.send(self._app, batch, self._options)
        self._published += [publication.task_id for publication in batch]


async def _each(
    publications: Iterable[Publication] | AsyncIterable[Publication],
) -> AsyncIterator[Publication]:
    if isinstance(publications, AsyncIterable):
        async for publication in publications:
            yield publication
    else:
        for publication in publications:
            yield publication
