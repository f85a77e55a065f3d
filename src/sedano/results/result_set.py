"""The results of many tasks, waited for together.

Made by users; ``GroupResult`` is the one that groups give. Its members may be groups themselves, whose values
are lists. Asks the store for all members at once, never one by one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from sedano import states
from sedano.errors import ConfigurationError
from sedano.results import joining, revocation, walking
from sedano.results.async_result import AsyncResult
from sedano.results.awaited_members import AwaitedMembers
from sedano.results.gathering import Gathering
from sedano.results.promises import Promises
from sedano.results.result_base import ResultBase, ResultTuple
from sedano.results.result_source import ResultSource
from sedano.results.set_coroutines import SetCoroutines
from sedano.results.store import ResultStore
from sedano.results.task_meta import TaskMeta
from sedano.results.unfinished import Unfinished


class ResultSet(SetCoroutines):
    """Some results, in their order.

    >>> ResultSet([AsyncResult("1"), AsyncResult("2")])
    <ResultSet: [1, 2]>
    """

    def __init__(
        self,
        results: Iterable[ResultBase] | None = None,
        app: ResultSource | None = None,
        ready_barrier: None = None,
    ) -> None:
        """
        Args:
            results: The members.
            app: The application; None means that of the first member.
            ready_barrier: Accepted for Celery's sake.
        """
        #: The members. A list that was handed in is kept, not copied.
        self.results: list[Any] = results if isinstance(results, list) else list(results or ())
        self.parent: ResultBase | None = None
        self._app = app
        self._promises: Promises | None = None

    # -- members

    def add(self, result: ResultBase) -> None:
        """Take in a result, unless it is a member."""
        if result not in self.results:
            self.results.append(result)

    def remove(self, result: ResultBase | str) -> None:
        """Take out a member, or the one of this id. Raises KeyError if there is none."""
        try:
            self.results.remove(result)
        except ValueError:
            raise KeyError(result) from None

    def discard(self, result: ResultBase | str) -> None:
        """Take out a member, if it is one."""
        if result in self.results:
            self.results.remove(result)

    def update(self, results: Iterable[ResultBase]) -> None:
        """Take in results, but for those that are members."""
        members = set(self.results)
        for result in results:
            if result not in members:
                members.add(result)
                self.results.append(result)

    def clear(self) -> None:
        """Take out all members."""
        self.results.clear()

    @property
    def children(self) -> Sequence[ResultBase]:
        """The members."""
        return self.results

    # -- what is known: each looks once, for all members together

    def ready(self) -> bool:
        """Whether all tasks have finished, well or badly."""
        return all(leaf._cache is not None for leaf in self._look())

    def successful(self) -> bool:
        """Whether all tasks have returned."""
        return all(_has(leaf, states.SUCCESS) for leaf in self._look())

    def failed(self) -> bool:
        """Whether one of the tasks has failed for good."""
        return any(_has(leaf, states.FAILURE) for leaf in self._look())

    def waiting(self) -> bool:
        """Whether one of the tasks has not finished."""
        return not self.ready()

    def completed_count(self) -> int:
        """How many members have returned; a group among them counts as one."""
        self._look()
        return sum(all(_has(leaf, states.SUCCESS) for leaf in member._leaves()) for member in self.results)

    def maybe_throw(
        self, callback: Callable[[Any, Any], object] | None = None, propagate: bool = True
    ) -> None:
        """Raise what the first task that has failed raised.

        Args:
            callback: Called with the id and the value of each member, as they are now.
            propagate: False only calls the callback.
        """
        leaves = self._look()
        if propagate:
            _throw_first(leaves)
        if callback is not None:
            for member in self.results:
                callback(_id_of(member), member._value())

    maybe_reraise = maybe_throw

    def _look(self) -> list[AsyncResult[Any]]:
        leaves = walking.leaves(self.results)
        Unfinished(leaves).look()
        self._keep_promises(leaves)
        return leaves

    # -- waiting

    def get(
        self,
        timeout: float | None = None,
        propagate: bool = True,
        interval: float = 0.5,
        callback: Callable[[Any, Any], object] | None = None,
        no_ack: bool = True,
        on_message: Callable[..., object] | None = None,
        disable_sync_subtasks: bool = True,
        on_interval: Callable[[], object] | None = None,
    ) -> list[Any]:
        """Wait until all tasks have finished; what they returned, in the order of the members.

        As soon as one is seen to have failed, its error is raised. A store that cannot be reached is asked
        again and again, as by ``AsyncResult.get``.

        Args:
            timeout: Seconds to wait for all of them; None waits for ever.
            propagate: Raise what a failed task raised; False has it in the list.
            interval: The most seconds between two looks, where the store cannot wake us.
            callback: Called with the id and the value of each member as it comes; the list is empty then.
            no_ack: Accepted for Celery's sake.
            on_message: Called with what is stored of a task for each state of it that is seen, as by
                ``AsyncResult.get``.
            disable_sync_subtasks: False allows waiting inside a task, which can lock up a worker.
            on_interval: Called after each look that left something to wait for.

        Raises:
            TaskTimeout: the time is up, and some tasks have not finished.
            ResultStoreUnavailable: the time is up, and the store cannot be reached.
            RuntimeError: called inside a task.
        """
        came = self._arrivals(
            timeout=timeout,
            interval=interval,
            propagate=propagate,
            on_message=on_message,
            on_interval=on_interval,
            disable_sync_subtasks=disable_sync_subtasks,
        )
        for member in came:
            if callback is not None:
                callback(_id_of(member), member._value())
        return [] if callback is not None else self._value()

    join = get

    def join_native(
        self,
        timeout: float | None = None,
        propagate: bool = True,
        interval: float = 0.5,
        callback: Callable[[Any, Any], object] | None = None,
        no_ack: bool = True,
        on_message: Callable[..., object] | None = None,
        on_interval: Callable[[], object] | None = None,
        disable_sync_subtasks: bool = True,
    ) -> list[Any]:
        """The same as ``get``."""
        return self.get(
            timeout=timeout,
            propagate=propagate,
            interval=interval,
            callback=callback,
            on_message=on_message,
            on_interval=on_interval,
            disable_sync_subtasks=disable_sync_subtasks,
        )

    def iter_native(
        self,
        timeout: float | None = None,
        interval: float = 0.5,
        no_ack: bool = True,
        on_message: Callable[..., object] | None = None,
        on_interval: Callable[[], object] | None = None,
    ) -> Iterator[tuple[Any, Any]]:
        """The members as they come: id, and what is stored of it, a dictionary; of a group, its members."""
        for member in self._arrivals(
            timeout=timeout, interval=interval, on_message=on_message, on_interval=on_interval
        ):
            yield self._shown(member)

    def _shown(self, member: ResultBase) -> tuple[Any, Any]:
        if isinstance(member, AsyncResult):
            return member.id, member._meta().as_dict()
        return _id_of(member), member.children

    def iterate(
        self, timeout: float | None = None, propagate: bool = True, interval: float = 0.5
    ) -> Iterator[Any]:
        """The values of the members as they come."""
        for member in self._arrivals(timeout=timeout, interval=interval, propagate=propagate):
            yield member._value()

    def _arrivals(
        self,
        *,
        timeout: float | None,
        interval: float,
        propagate: bool = False,
        on_message: Callable[..., object] | None = None,
        on_interval: Callable[[], object] | None = None,
        disable_sync_subtasks: bool = False,
    ) -> Iterator[ResultBase]:
        """Each member when all of it has finished."""
        members = list(self.results)
        leaves = walking.leaves(members)
        if disable_sync_subtasks and any(leaf._cache is None and not leaf.ignored for leaf in leaves):
            joining.check(self.app)
        awaited = AwaitedMembers(members)
        yield from awaited.complete
        gathering = Gathering(
            leaves,
            timeout=timeout,
            interval=interval,
            parents=walking.lineage((self, *leaves)) if propagate else (),
            on_change=None if on_message is None else lambda meta: on_message(meta.as_dict()),
            on_interval=on_interval,
        )
        for came in gathering:
            if propagate:
                _throw_first(came)
            for leaf in came:
                yield from awaited.end(leaf)
        self._keep_promises(leaves)

    def then(
        self,
        callback: Callable[["ResultSet"], object],
        on_error: Callable[[Exception], object] | None = None,
        weak: bool = False,
    ) -> "ResultSet":
        """Have something called with this set, once, when it hears that all tasks have finished.

        That is within ``get()``, ``ready()`` and the like, as by ``AsyncResult.then``; at once if it has
        heard of it already.
        """
        promises = Promises() if self._promises is None else self._promises
        promises.add(callback, on_error)
        self._promises = promises
        self._keep_promises(walking.leaves(self.results))
        return self

    def _keep_promises(self, leaves: Sequence[AsyncResult[Any]]) -> None:
        if self._promises is not None and all(leaf._cache is not None or leaf.ignored for leaf in leaves):
            promises, self._promises = self._promises, None
            promises.keep(self)

    # -- acting

    def forget(self) -> None:
        """Delete the stored results of the tasks, and of those before them."""
        leaves = walking.leaves(self.results)
        for leaf in (*walking.lineage(leaves), *leaves):
            leaf._forget()

    def revoke(
        self,
        connection: None = None,
        terminate: bool = False,
        signal: str | None = None,
        wait: bool = False,
        timeout: float | None = None,
    ) -> None:
        """Forbid all tasks. The arguments are those of ``AsyncResult.revoke``."""
        leaves = walking.leaves(self.results)
        revocation.revoke_all(leaves, terminate=terminate, signal=signal, connection=connection)

    # -- where it comes from

    @property
    def app(self) -> ResultSource:
        """The application. Raises ConfigurationError where there is none."""
        if self._app is None:
            if leaf := next(self._leaves(), None):
                self._app = leaf._source()
            elif AsyncResult.find_app is not None:
                self._app = AsyncResult.find_app()
            else:
                raise ConfigurationError(
                    "The set of results belongs to no application. Pass app=, or app.set_current()."
                )
        return self._app

    @property
    def backend(self) -> ResultStore:
        """The result store. Raises ConfigurationError where results are not kept."""
        leaf = next(self._leaves(), None)
        # Any id will do: the store of a set without members is asked through a result that is thrown away.
        return leaf.backend if leaf is not None else AsyncResult("-", app=self.app).backend

    @property
    def supports_native_join(self) -> bool:
        """The members are fetched together."""
        return True

    def _as_tuple(self, parent: ResultTuple | None) -> ResultTuple:
        raise TypeError("A ResultSet has no id to be found by: make it GroupResult(id, results).")

    def _leaves(self) -> Iterator[AsyncResult[Any]]:
        for member in self.results:
            yield from member._leaves()

    def _value(self) -> list[Any]:
        return [member._value() for member in self.results]

    def as_list(self) -> list[str]:
        """The ids of the tasks, and of those before them."""
        return [leaf.id for result in self.line() for leaf in result._leaves()]

    # -- a sequence

    def __iter__(self) -> Iterator[Any]:
        return iter(self.results)

    def __getitem__(self, index: int | slice) -> Any:
        return self.results[index]

    def __len__(self) -> int:
        return len(self.results)

    def __contains__(self, result: object) -> bool:
        return result in self.results

    def __eq__(self, other: object) -> bool:
        return self.results == other.results if isinstance(other, ResultSet) else NotImplemented

    __hash__: Any = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: [{', '.join(str(_id_of(member)) for member in self.results)}]>"


def _has(leaf: AsyncResult[Any], state: str) -> bool:
    return leaf._cache is not None and leaf._cache.status == state


def _throw_first(leaves: Iterable[AsyncResult[Any]]) -> None:
    for leaf in leaves:
        meta: TaskMeta | None = leaf._cache
        if meta is not None and meta.status in states.PROPAGATE_STATES:
            leaf._culprit(meta).throw()


def _id_of(member: ResultBase) -> Any:
    return getattr(member, "id", None)
