"""What a task can do with workflows: become a part of one, and change the one it runs in.

A base of ``Task``, and of nothing else. Never publishes itself.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast

from sedano.canvas.maps import chunks, xmap, xstarmap
from sedano.canvas.signature import Signature
from sedano.tasks import replacing
from sedano.tasks.request import current_request

if TYPE_CHECKING:
    from sedano.tasks.task import Task

P = ParamSpec("P")
R = TypeVar("R")


class TaskWorkflows(Generic[P, R]):
    """The part of a task that concerns workflows."""

    # -- calls to be made later

    def s(self, *args: Any, **kwargs: Any) -> Signature[R]:
        """A call to be made later: ``add.s(2)``. Results of earlier calls may become further arguments."""
        return Signature(_whole(self), args, kwargs, app=_whole(self)._app)

    def si(self, *args: P.args, **kwargs: P.kwargs) -> Signature[R]:
        """A call to be made later with these arguments and no others: ``add.si(2, 2)``."""
        return Signature(_whole(self), args, kwargs, immutable=True, app=_whole(self)._app)

    def signature(self, args: Any = None, *more: Any, **options: Any) -> Signature[R]:
        """A call to be made later: ``add.signature((2,), countdown=10)``. As ``signature()``."""
        options.setdefault("app", _whole(self)._app)
        return Signature(_whole(self), args, *more, **options)

    subtask = signature

    def chunks(self, it: Iterable[Any], n: int) -> chunks:
        """All these calls, ``n`` of them in one message: ``add.chunks(zip(a, b), 10)``."""
        return chunks(self.s(), it, n, app=_whole(self)._app)

    def map(self, it: Iterable[Any]) -> xmap:
        """One call for each item, all in one message: ``total.map([[1, 2], [3, 4]])``."""
        return xmap(self.s(), it, app=_whole(self)._app)

    def starmap(self, it: Iterable[Any]) -> xstarmap:
        """As ``map``, and each item holds the arguments of a call: ``add.starmap([(1, 2), (3, 4)])``."""
        return xstarmap(self.s(), it, app=_whole(self)._app)

    # -- from within the running task

    def replace(self, sig: Signature[Any]) -> Any:
        """End here, and let another call take this one's place: ``return self.replace(add.s(1, 2))``.

        It gets this call's id, its place in the workflow, its callbacks and errbacks.

        Raises:
            Ignore: always, so nothing after it is run.
            ConfigurationError: the signature is an empty chain, or in a chord already.
        """
        return self.on_replace(replacing.prepare(_whole(self), sig))

    def on_replace(self, sig: Signature[Any]) -> Any:
        """Called with what is about to replace the running call. Return what ``super()`` returns."""
        return replacing.replace(_whole(self), sig)

    def add_to_chord(self, sig: Signature[Any], lazy: bool = False) -> Any:
        """Put one more call into the chord whose header the running one is in.

        Args:
            sig: The call. Published when this one has ended, in the same step.
            lazy: Do not publish it: the caller does.

        Returns:
            Its result; with ``lazy`` the signature.

        Raises:
            ValueError: this call is in no chord's header.
        """
        return replacing.add_to_chord(_whole(self), sig, lazy=lazy)

    def add_trail(self, result: Any) -> Any:
        """List a result among the children of the running call; returns it."""
        request = current_request.get()
        if request is not None and _whole(self).trail:
            request.children.append(result)
        return result


def _whole(part: TaskWorkflows[P, R]) -> "Task[P, R]":
    return cast("Task[P, R]", part)
