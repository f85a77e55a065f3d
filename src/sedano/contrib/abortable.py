"""Tasks that look whether they shall stop: ``@app.task(bind=True, base=AbortableTask)``.

For users. Whoever has the result says ``abort()``, which stores the state ABORTED, as Celery does; the task
asks ``self.is_aborted()`` every now and then, and returns when it is so. Never stops one that does not ask.
"""

from typing import Any, Final, ParamSpec, TypeVar

from sedano.results import celery_meta
from sedano.results.async_result import AsyncResult
from sedano.results.task_meta import TaskMeta
from sedano.tasks.task import Task

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

#: Somebody wants the task to stop. Not an end: the task's own end replaces it.
ABORTED: Final = "ABORTED"


class AbortableAsyncResult(AsyncResult[R_co]):
    """The result of an abortable task: what calls of one give, or ``AbortableAsyncResult(task_id)``."""

    __slots__ = ()

    def is_aborted(self) -> bool:
        """Whether the task shall stop, and has not ended yet."""
        return self.state == ABORTED

    def abort(self) -> None:
        """Ask the task to stop; nothing happens if it has ended.

        A task that looks stops soon; one that does not look runs on. It ends as it pleases: ``get()`` gives
        what it returns.

        Raises:
            ConfigurationError: results are not kept, so the task cannot be told.
            ResultStoreError: the store did not answer.
        """
        if self.ready():
            return
        source = self._source()
        meta = TaskMeta.custom(self.id, ABORTED, None)
        write = celery_meta.to_write(meta, source.settings.results, now=source.clock.timestamp())
        self.backend.put([write])


class AbortableTask(Task[P, R]):
    """A task that can be asked to stop: ``@app.task(bind=True, base=AbortableTask)``.

    ``is_aborted()`` reads the result store each time: ask every few steps, not at each.
    """

    #: STARTED would take the place of an ABORTED that was there before the task began.
    track_started = False

    def AsyncResult(self, task_id: str, **kwargs: Any) -> AbortableAsyncResult[R]:
        """The result of a call of this task, by its id."""
        return AbortableAsyncResult(task_id, app=self.app, **kwargs)

    def is_aborted(self, *, task_id: str | None = None) -> bool:
        """Whether the running task shall stop. False where results are not kept: nobody can have said so.

        Args:
            task_id: Another task's id; None means the running one's.
        """
        chosen = task_id or self.request.id
        return chosen is not None and self.backend is not None and self.AsyncResult(chosen).is_aborted()

    def update_state(
        self, task_id: str | None = None, state: str | None = None, meta: Any = None, **kwargs: Any
    ) -> None:
        """As ``Task.update_state``; but it does not take the place of ABORTED, which would be lost."""
        if not self.is_aborted(task_id=task_id):
            super().update_state(task_id, state, meta, **kwargs)
