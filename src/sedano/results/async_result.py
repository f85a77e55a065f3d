"""What a caller holds of a published task: its id, and through it its state and its result.

Made by ``delay``, by ``app.AsyncResult(id)``, or by the user from an id. Asks the result store only when
asked, and keeps what it was told only once the state is final.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, Protocol, TypeVar, cast

from sedano import states
from sedano.errors import (
    ConfigurationError,
    NotSupported,
    ResultStoreUnavailable,
    TaskRevoked,
    TaskTimeout,
)
from sedano.results import celery_meta
from sedano.results.patience import Patience
from sedano.results.store import ResultStore
from sedano.results.task_meta import TaskMeta

if TYPE_CHECKING:
    from sedano.clock import Clock
    from sedano.settings.sections import Settings

R_co = TypeVar("R_co", covariant=True)


class ResultSource(Protocol):
    """What results need of the application."""

    @property
    def clock(self) -> "Clock": ...

    @property
    def settings(self) -> "Settings": ...

    @property
    def results(self) -> ResultStore | None: ...

    def inside_task(self) -> bool:
        """Whether a worker's task is running here."""

    def revoke(self, task_id: str) -> bool:
        """Delete the message of a task, unless a node holds it; whether there was one."""

    def has_message(self, task_id: str) -> bool:
        """Whether the broker has a message of this task, in whatever state."""


class AsyncResult(Generic[R_co]):
    """The result of one task, there or still to come.

    ``AsyncResult(task_id)`` asks the current application; ``app.AsyncResult(task_id)`` asks that one.
    """

    #: Finds the application for results made from an id alone; ``sedano.current`` puts it here.
    find_app: ClassVar[Callable[[], ResultSource] | None] = None
    TimeoutError: ClassVar[type[TaskTimeout]] = TaskTimeout

    __slots__ = ("__weakref__", "_app", "_cache", "_store", "id", "ignored", "parent")

    def __init__(
        self,
        id: str,
        backend: ResultStore | None = None,
        task_name: str | None = None,
        app: ResultSource | None = None,
        parent: "AsyncResult[Any] | None" = None,
    ) -> None:
        """
        Args:
            id: The task's id.
            backend: The result store to ask; None means the application's.
            task_name: Accepted for Celery's sake.
            app: The application; None means the current one.
            parent: The result of the task before this one.
        """
        if not isinstance(id, str) or not id:
            raise ValueError(f"AsyncResult: expected a task's id, got {id!r}")
        self.id = id
        self.parent = parent
        #: The task keeps no result: there is nothing to wait for.
        self.ignored = False
        self._store = backend
        self._app = app
        self._cache: TaskMeta | None = None

    # -- what is known

    @property
    def task_id(self) -> str:
        """The task's id."""
        return self.id

    @property
    def state(self) -> str:
        """One of ``sedano.states``, or a state of the user's own. An unknown id is PENDING."""
        return self._meta().status

    status = state

    @property
    def result(self) -> Any:
        """The returned value; the exception of a task that failed; the meta of a custom state."""
        return self._meta().result

    info = result

    @property
    def traceback(self) -> str | None:
        """Where a failed task failed, as text."""
        return self._meta().traceback

    @property
    def date_done(self) -> datetime | None:
        """When the task finished."""
        return self._meta().date_done

    @property
    def name(self) -> str | None:
        """The task's name; kept with ``result_extended`` only, as the five that follow."""
        return self._meta().name

    @property
    def args(self) -> Any:
        """The positional arguments of the call."""
        return self._meta().args

    @property
    def kwargs(self) -> Any:
        """The keyword arguments of the call."""
        return self._meta().kwargs

    @property
    def worker(self) -> str | None:
        """The node that ran the task."""
        return self._meta().worker

    @property
    def retries(self) -> int | None:
        """How many attempts went before the last one."""
        return self._meta().retries

    @property
    def queue(self) -> str | None:
        """The queue that the task came from."""
        return self._meta().queue

    def ready(self) -> bool:
        """Whether the task has finished, well or badly."""
        return self._meta().is_ready

    def successful(self) -> bool:
        """Whether the task has returned."""
        return self._meta().status == states.SUCCESS

    def failed(self) -> bool:
        """Whether the task has failed for good."""
        return self._meta().status == states.FAILURE

    def exists(self) -> bool:
        """Whether there is such a task: it has a result, or its message is in the broker, in whatever state.

        Tells a task that waits from one that never was; ``state`` is PENDING for both. A task that has ended
        and keeps no result (``ignore_result``, or it has expired) is as if it had never been, and so is one
        whose message waits for a commit. It reads all queues: it is for people, not for loops.

        Raises:
            ResultStoreError, BrokerError: the store, or the broker, did not answer.
        """
        # What is settled, or moves within the broker, while we look, is somewhere at the second look.
        return self._has_result() or any(
            self._source().has_message(self.id) or self._has_result() for _ in range(2)
        )

    def _has_result(self) -> bool:
        if self._cache is not None:
            return True
        store = self._store or self._source().results
        return store is not None and store.get(self.id) is not None

    # -- waiting

    def get(
        self,
        timeout: float | None = None,
        propagate: bool = True,
        interval: float = 0.5,
        no_ack: bool = True,
        follow_parents: bool = True,
        callback: Callable[[str, Any], object] | None = None,
        on_message: Callable[..., object] | None = None,
        on_interval: Callable[[], object] | None = None,
        disable_sync_subtasks: bool = True,
    ) -> R_co:
        """Wait until the task has finished; what it returned.

        While the result store cannot be reached, it is asked again and again: until ``timeout``, or where
        there is none for 20 seconds.

        Args:
            timeout: Seconds to wait; None waits for ever.
            propagate: Raise what a failed task raised; False returns it.
            interval: The most seconds between two looks, where the store cannot wake us.
            no_ack: Accepted for Celery's sake.
            follow_parents: Raise what a parent raised as well.
            callback: Called with the id and the result.
            on_message: Not supported.
            on_interval: Called after each look that found nothing.
            disable_sync_subtasks: False allows waiting inside a task, which can lock up a worker.

        Raises:
            TaskTimeout: the time is up, and the task has not finished.
            ResultStoreUnavailable: the time is up, and the store cannot be reached.
            RuntimeError: called inside a task.
        """
        if on_message is not None:
            raise NotSupported("AsyncResult.get(on_message=...): there are no result messages to look at.")
        if self.ignored:
            return cast(R_co, None)
        if disable_sync_subtasks and self._cache is None:
            self._refuse_inside_task()
        meta = self._wait(timeout, interval, follow_parents and propagate, on_interval)
        if propagate and meta.status in states.PROPAGATE_STATES:
            _raise_result(meta)
        if callback is not None:
            callback(self.id, meta.result)
        return cast(R_co, meta.result)

    wait = get

    def _wait(
        self,
        timeout: float | None,
        interval: float,
        follow_parents: bool,
        on_interval: Callable[[], object] | None,
    ) -> TaskMeta:
        patience = Patience(timeout)
        while True:
            try:
                ending = self._ending(follow_parents)
                if ending is not None:
                    return ending
                patience.end_outage()
                left = patience.left
                if left is not None and left <= 0:
                    raise TaskTimeout("The operation timed out.")
                pause = interval if not self.backend.push or on_interval or self.parent is not None else None
                if pause is not None and left is not None:
                    pause = min(pause, left)
                self.backend.wait([self.id], left if pause is None else pause)
            except ResultStoreUnavailable as error:
                patience.outlast(error)
            if on_interval is not None:
                on_interval()

    def _ending(self, follow_parents: bool) -> TaskMeta | None:
        """What ends the waiting: the task's final state, or that of a parent that has failed."""
        meta = self._meta()
        if meta.is_ready:
            return meta
        return self._failed_parent() if follow_parents else None

    def _failed_parent(self) -> TaskMeta | None:
        """The state of the first task in the line of parents that has failed."""
        if self.parent is None:
            return None
        failed = self.parent._failed_parent()
        if failed is None and (meta := self.parent._meta()).status in states.PROPAGATE_STATES:
            failed = meta
        return failed

    def maybe_throw(
        self, propagate: bool = True, callback: Callable[[str, Any], object] | None = None
    ) -> Any:
        """The result as it is now; raises it if the task has failed."""
        meta = self._meta()
        if propagate and meta.status in states.PROPAGATE_STATES:
            _raise_result(meta)
        if callback is not None:
            callback(self.id, meta.result)
        return meta.result

    maybe_reraise = maybe_throw

    def _refuse_inside_task(self) -> None:
        if self._store is None and self._source().inside_task():
            raise RuntimeError(
                "Never call result.get() within a task: it can lock up the worker. "
                "Pass disable_sync_subtasks=False if you know that it cannot here."
            )

    # -- acting

    def forget(self) -> None:
        """Delete the stored result, and the parents'."""
        self._cache = None
        if self.parent is not None:
            self.parent.forget()
        self.backend.forget(self.id)

    def revoke(
        self,
        connection: None = None,
        terminate: bool = False,
        signal: str | None = None,
        wait: bool = False,
        timeout: float | None = None,
    ) -> None:
        """Forbid the task: its message is deleted. A task that a worker holds already, runs on.

        Args:
            connection: Not supported.
            terminate: Not supported: ending a running task.
            signal: Not supported.
            wait: Accepted for Celery's sake.
            timeout: Accepted for Celery's sake.
        """
        if terminate or signal is not None or connection is not None:
            raise NotSupported(
                "AsyncResult.revoke(terminate=True): a running task cannot be ended in this version."
            )
        source = self._source()
        if not source.revoke(self.id) or source.results is None:
            return
        error = TaskRevoked("revoked")
        meta = TaskMeta.revoked(self.id, error, finished_at=source.clock.now())
        write = celery_meta.to_write(meta, source.settings.results, now=source.clock.timestamp())
        self.backend.put([write])

    # -- where it comes from

    @property
    def backend(self) -> ResultStore:
        """The result store. Raises ConfigurationError where results are not kept."""
        if self._store is None:
            self._store = self._source().results
            if self._store is None:
                raise ConfigurationError(
                    "Results are not kept: result_backend is 'disabled', or the broker cannot hold results. "
                    "Set result_backend, for example to 'sqlite:///results.db'."
                )
        return self._store

    @property
    def app(self) -> ResultSource:
        """The application."""
        return self._source()

    def _source(self) -> ResultSource:
        if self._app is None:
            if AsyncResult.find_app is None:
                raise ConfigurationError(f"The result of task {self.id} belongs to no application.")
            self._app = AsyncResult.find_app()
        return self._app

    def _meta(self) -> TaskMeta:
        if self._cache is not None:
            return self._cache
        document = self.backend.get(self.id)
        if document is None:
            return TaskMeta.pending(self.id)
        meta = celery_meta.decode(self.id, document, serializer=self._source().settings.results.serializer)
        if meta.is_ready:
            self._cache = meta
        return meta

    def as_tuple(self) -> tuple[tuple[str, Any], None]:
        """The id and the parents' ids, in Celery's form."""
        return (self.id, self.parent.as_tuple() if self.parent is not None else None), None

    def __str__(self) -> str:
        return self.id

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.id}>"

    def __hash__(self) -> int:
        return hash(self.id)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, AsyncResult):
            return self.id == other.id
        return self.id == other if isinstance(other, str) else NotImplemented

    def __reduce__(self) -> Any:
        # The application is found anew where the result is unpickled.
        return type(self), (self.id, None, None, None, self.parent)


def _raise_result(meta: TaskMeta) -> NoReturn:
    error = meta.result
    raise error if isinstance(error, BaseException) else RuntimeError(str(error))
