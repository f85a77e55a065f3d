"""The result of a task that was run in the calling process.

Made by the eager runner. Never asks a result store.
"""

from typing import Any, TypeVar

from sedano import states
from sedano.errors import TaskRevoked
from sedano.results.async_result import AsyncResult
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
    ) -> None:
        super().__init__(id)
        self._cache = TaskMeta(task_id=id, status=state, result=ret_value, traceback=traceback, name=name)

    def _meta(self) -> TaskMeta:
        assert self._cache is not None
        return self._cache

    def ready(self) -> bool:
        return True

    def get(  # type: ignore[override]
        self, timeout: float | None = None, propagate: bool = True, **options: Any
    ) -> R_co:
        """What the task returned; raises what it raised."""
        result: R_co = self.maybe_throw(propagate)
        return result

    wait = get  # type: ignore[assignment]

    def forget(self) -> None:
        """There is nothing stored to forget."""

    def revoke(self, *args: Any, **kwargs: Any) -> None:
        """Call it revoked, though it has run."""
        self._cache = TaskMeta(task_id=self.id, status=states.REVOKED, result=TaskRevoked("revoked"))

    def __reduce__(self) -> Any:
        meta = self._meta()
        return type(self), (self.id, meta.result, meta.status, meta.traceback, meta.name)
