"""What a caller holds of a published task: its id, and through it its state and its result.

Made by ``delay``, by ``app.AsyncResult(id)``, or by the user from an id. Asks the result store only when
asked, and keeps what it was told only once the state is final.
"""

import contextlib
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, ClassVar, Generic, NoReturn, TypeVar, cast

from sedano import states
from sedano.errors import ConfigurationError, ResultStoreError, TaskTimeout
from sedano.results import celery_meta, joining, revocation, walking
from sedano.results.dependency_graph import DependencyGraph, GraphFormatter
from sedano.results.gathering import Gathering
from sedano.results.promises import Promises
from sedano.results.result_base import ResultBase, ResultTuple
from sedano.results.result_coroutines import ResultCoroutines
from sedano.results.result_source import ResultSource
from sedano.results.result_tuple import read_result
from sedano.results.store import ResultStore
from sedano.results.task_meta import TaskMeta
from sedano.results.unfinished import first_failure

R_co = TypeVar("R_co", covariant=True)


class AsyncResult(ResultCoroutines[R_co], Generic[R_co]):
    """The result of one task, there or still to come.

    ``AsyncResult(task_id)`` asks the current application; ``app.AsyncResult(task_id)`` asks that one.
    """

    #: Finds the application for results made from an id alone; ``sedano.current`` puts it here.
    find_app: ClassVar[Callable[[], ResultSource] | None] = None
    TimeoutError: ClassVar[type[TaskTimeout]] = TaskTimeout

    __slots__ = (
        "__weakref__",
        "_app",
        "_cache",
        "_children",
        "_promises",
        "_store",
        "id",
        "ignored",
        "parent",
    )

    def __init__(
        self,
        id: str,
        backend: ResultStore | None = None,
        task_name: str | None = None,
        app: ResultSource | None = None,
        parent: ResultBase | None = None,
    ) -> None:
        """
        Args:
            id: The task's id.
            backend: The result store to ask; None means the application's.
            task_name: Accepted for Celery's sake.
            app: The application; None means the current one.
            parent: The result of what went before: of a step, or of a chord's header.
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
        self._children: list[ResultBase] | None = None
        self._promises: Promises | None = None

    # -- what is known, beside what TaskView shows

    @property
    def children(self) -> list[ResultBase] | None:
        """The results of the tasks that this one has started; None while it has not begun."""
        if self._children is not None:
            return self._children
        meta = self._meta()
        if meta.status == states.PENDING:
            return None
        children = [read_result(child, self._source()) for child in meta.children]
        if self._cache is not None:
            self._children = children
        return children

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
            on_message: Called with what is stored of the task, a dictionary with ``status`` and ``result``
                among others, for each state that is seen: of states that follow each other quickly, the last.
            on_interval: Called after each look that found nothing.
            disable_sync_subtasks: False allows waiting inside a task, which can lock up a worker.

        Raises:
            TaskTimeout: the time is up, and the task has not finished.
            ResultStoreUnavailable: the time is up, and the store cannot be reached.
            RuntimeError: called inside a task.
        """
        if self.ignored:
            return cast(R_co, None)
        if self._cache is None:
            if disable_sync_subtasks:
                joining.check(self._source())
            for _ in Gathering(
                (self,),
                timeout=timeout,
                interval=interval,
                parents=walking.lineage((self,)) if follow_parents and propagate else (),
                on_change=None if on_message is None else lambda meta: on_message(meta.as_dict()),
                on_interval=on_interval,
            ):
                pass
        elif disable_sync_subtasks:
            joining.check_told()
        meta = self._meta()
        if propagate and meta.status in states.PROPAGATE_STATES:
            (self._culprit(meta) if follow_parents else meta).throw()
        if callback is not None:
            callback(self.id, meta.result)
        return cast(R_co, self._value())

    wait = get

    def _culprit(self, meta: TaskMeta) -> TaskMeta:
        """Whose error tells most of this task's failure: that of the first before it that has failed."""
        if self.parent is not None:
            with contextlib.suppress(ResultStoreError):
                return first_failure(walking.lineage((self,))) or meta
        return meta

    def maybe_throw(
        self, propagate: bool = True, callback: Callable[[str, Any], object] | None = None
    ) -> Any:
        """The result as it is now; raises it if the task has failed."""
        meta = self._meta()
        if propagate and meta.status in states.PROPAGATE_STATES:
            meta.throw()
        if callback is not None:
            callback(self.id, meta.result)
        return meta.result

    maybe_reraise = maybe_throw

    def throw(self, error: BaseException, traceback: TracebackType | None = None) -> NoReturn:
        """Raise an error."""
        raise error if traceback is None else error.with_traceback(traceback)

    def then(
        self,
        callback: Callable[["AsyncResult[R_co]"], object],
        on_error: Callable[[Exception], object] | None = None,
        weak: bool = False,
    ) -> "AsyncResult[R_co]":
        """Have something called with this result, once, when the task has ended, well or badly.

        That is when this object hears of it: within ``get()``, ``ready()``, ``state`` and the like, in the
        thread that asks; at once if it has heard of it already. Nothing listens in the background.

        Args:
            callback: What is to be called.
            on_error: Called with what ``callback`` raises, which otherwise comes out where it was called.
            weak: Accepted for Celery's sake.
        """
        promises = Promises() if self._promises is None else self._promises
        promises.add(callback, on_error)
        if self._cache is not None:
            promises.keep(self)
        else:
            self._promises = promises
        return self

    # -- what it has started

    def collect(self, intermediate: bool = False, **options: Any) -> Iterator[tuple[ResultBase, Any]]:
        """Wait for this task, for those it has started, and for those that they have; each with its value.

        Args:
            intermediate: Go on where a task has not finished.
            options: As for ``get``.
        """
        for _, result in self.iterdeps(intermediate=intermediate):
            yield result, result.get(**options)

    def get_leaf(self) -> Any:
        """Wait for all that ``collect`` waits for; the value of the last one."""
        last = None
        for _, last in self.collect():  # noqa: B007
            pass
        return last

    def iterdeps(self, intermediate: bool = False) -> Iterator[tuple[ResultBase | None, ResultBase]]:
        """Each result of the tree below this task, with the one it stands under.

        Args:
            intermediate: Go on where a task has not finished, and what it will start is not known.

        Raises:
            IncompleteStream: a task has not finished.
        """
        return walking.iterdeps(self, intermediate)

    def build_graph(
        self, intermediate: bool = False, formatter: GraphFormatter | None = None
    ) -> DependencyGraph[ResultBase]:
        """The same as a graph.

        Args:
            intermediate: As for ``iterdeps``.
            formatter: How ``to_dot`` draws it.
        """
        return walking.build_graph(self, intermediate, formatter)

    @property
    def graph(self) -> DependencyGraph[ResultBase]:
        """The tree below this task. Raises IncompleteStream where a task has not finished."""
        return self.build_graph()

    # -- acting

    def forget(self) -> None:
        """Delete the stored result, and the parents'."""
        for result in (*walking.lineage((self,)), self):
            result._forget()

    def _forget(self) -> None:
        self._cache = self._children = None
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

        What was to follow it hears of it, as of a failure.

        Args:
            connection: Not supported.
            terminate: Not supported: ending a running task.
            signal: Not supported.
            wait: Accepted for Celery's sake.
            timeout: Accepted for Celery's sake.
        """
        revocation.revoke_all((self,), terminate=terminate, signal=signal, connection=connection)

    def _revoke_here(self) -> bool:
        """Forbid it if it has no message that could be taken back; whether that was so."""
        return False

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
    def supports_native_join(self) -> bool:
        """Several results are fetched together."""
        return True

    @property
    def app(self) -> ResultSource:
        """The application."""
        return self._source()

    def _source(self) -> ResultSource:
        if self._app is None:
            if AsyncResult.find_app is None:
                raise ConfigurationError(
                    f"The result of task {self.id} is of no application. Pass app=, or app.set_current()."
                )
            self._app = AsyncResult.find_app()
        return self._app

    def _meta(self) -> TaskMeta:
        if self._cache is not None:
            return self._cache
        document = self.backend.get(self.id)
        return TaskMeta.pending(self.id) if document is None else self._learn(document)

    def _learn(self, document: bytes) -> TaskMeta:
        """Take in what the store has of the task."""
        meta = celery_meta.decode(self.id, document, serializer=self._source().settings.results.serializer)
        if meta.is_ready:
            self._cache = meta
            if self._promises is not None:
                promises, self._promises = self._promises, None
                promises.keep(self)
        return meta

    def as_list(self) -> list[str]:
        """The id and the parents' ids."""
        return [leaf.id for result in self.line() for leaf in result._leaves()]

    def _as_tuple(self, parent: ResultTuple | None) -> ResultTuple:
        return (self.id, parent), None

    def _leaves(self) -> "Iterator[AsyncResult[Any]]":
        yield self

    def _value(self) -> Any:
        return None if self._cache is None else self._cache.result

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
