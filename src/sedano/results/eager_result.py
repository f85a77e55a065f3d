"""The result of a task that was run in the calling process.

Made by the eager runner. Never asks a result store.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

from sedano import states
from sedano.errors import TaskRevoked
from sedano.results.async_result import AsyncResult
from sedano.results.result_base import ResultBase
from sedano.results.store import ResultStore
from sedano.results.task_meta import TaskMeta

R_co = TypeVar("R_co", covariant=True)


class EagerResult(AsyncResult[R_co]):
    """The result of a task that was run in this process: it is there already."""

    __slots__ = ()

    def __init__(
        self,
        id: str,
        ret_value: Any,
        state: str,
        traceback: str | None = None,
        name: str | None = None,
        children: Sequence[ResultBase] = (),
    ) -> None:
        """
        Args:
            id: The task's id.
            ret_value: What it returned; the exception where it failed.
            state: Its state.
            traceback: Where it failed, as text.
            name: The task's name.
            children: The results of the tasks that it has started.
        """
        super().__init__(id)
        self._cache = TaskMeta(task_id=id, status=state, result=ret_value, traceback=traceback, name=name)
        self._children = list(children)

    def _meta(self) -> TaskMeta:
        assert self._cache is not None
        return self._cache

    def _value(self) -> Any:
        """None where the task has said that it has no result: what it raised then is in ``result`` only."""
        return None if self.state in (states.IGNORED, states.REJECTED) else self._meta().result

    def ready(self) -> bool:
        return True

    async def arevoke(self) -> None:
        """``revoke`` for coroutines."""
        self._revoke_here()

    def _drop(self) -> ResultStore | None:
        return None

    def forget(self) -> None:
        """There is nothing stored to forget."""

    _forget = forget

    def revoke(self, *args: Any, **kwargs: Any) -> None:
        """Call it revoked, though it has run."""
        self._revoke_here()

    def _revoke_here(self) -> bool:
        self._cache = TaskMeta(task_id=self.id, status=states.REVOKED, result=TaskRevoked("revoked"))
        return True

    @property
    def supports_native_join(self) -> bool:
        """There is nothing to fetch."""
        return False

    def __reduce__(self) -> Any:
        meta = self._meta()
        return type(self), (self.id, meta.result, meta.status, meta.traceback, meta.name)
