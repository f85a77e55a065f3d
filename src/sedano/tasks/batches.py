"""Many messages in few round trips.

Used by ``publishing_many`` and ``workflows``. Holds one batch at a time, unless the messages wait for a
commit. Never prepares a message: it takes them from an iterator, no faster than it sends them.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from sedano.brokers.publication import Publication
from sedano.errors import SedanoError
from sedano.tasks.options import NO_OPTIONS, TaskOptions

if TYPE_CHECKING:
    from sedano.tasks.publisher import Publisher
    from sedano.tasks.task import Task

#: Messages in one round trip.
MOST_MESSAGES: Final = 500
#: Bytes of arguments in one: what a slow line carries within the publish deadline, and no server refuses.
MOST_BYTES: Final = 4 * 1024 * 1024


class Batches:
    """Sends publications batch by batch: of each, all messages are published, or none.

    Args:
        publisher: Sends each batch, with its retries and its deadline.
        options: What all calls say of trying again, and of waiting for a commit.
        task: The task, where this process knows it.
        before: Called once, when the first batch may be sent.
    """

    def __init__(
        self,
        publisher: "Publisher",
        options: TaskOptions = NO_OPTIONS,
        *,
        task: "Task[..., Any] | None" = None,
        before: Callable[[], object] | None = None,
    ) -> None:
        self._publisher = publisher
        self._options = options
        self._task = task
        self._before = before
        #: The ids of what is in the broker.
        self._published: list[str] = []
        self._has_failed = False

    def publish(self, publications: Iterable[Publication]) -> list[str]:
        """Publish all of them; their ids in order.

        What has been published when something goes wrong (in the iterator, or in the broker) stays, and the
        error tells its ids: ``SedanoError.published``. Batches that wait for a commit are not sent any more.
        """
        ids: list[str] = []
        filling = Filling()
        try:
            for publication in publications:
                ids.append(publication.task_id)
                if batch := filling.add(publication):
                    self._send_when_allowed(batch)
            if batch := filling.take():
                self._send_when_allowed(batch)
        except BaseException as error:
            self._fail(error)
            raise
        return ids

    def _send_when_allowed(self, batch: list[Publication]) -> None:
        self._publisher.when_allowed(lambda: self._send(batch), self._options, task=self._task)

    def _send(self, batch: list[Publication]) -> None:
        if self._has_failed:
            return
        try:
            if self._before is not None:
                self._before()
                self._before = None
            self._publisher.publish(batch, self._options, task=self._task, at_once=True)
        except BaseException as error:
            self._fail(error)
            raise
        self._published += [publication.task_id for publication in batch]

    def _fail(self, error: BaseException) -> None:
        """Send nothing any more, and tell what has been sent: once for each error."""
        if self._has_failed:
            return
        self._has_failed = True
        if isinstance(error, SedanoError):
            error.published = tuple(self._published)
        error.add_note(f"Published before this: {len(self._published)} calls.")


class Filling:
    """A batch that is being filled."""

    def __init__(self) -> None:
        self._batch: list[Publication] = []
        self._size = 0

    def add(self, publication: Publication) -> list[Publication] | None:
        """Put one more in; the batch, if it is full by that."""
        self._batch.append(publication)
        self._size += len(publication.envelope.body)
        is_full = len(self._batch) == MOST_MESSAGES or self._size >= MOST_BYTES
        return self.take() if is_full else None

    def take(self) -> list[Publication]:
        """What is in it, and begin the next one."""
        batch, self._batch, self._size = self._batch, [], 0
        return batch
