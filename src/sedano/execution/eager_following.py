"""What follows from a task that was run in the calling process: callbacks, errbacks, the rest of its chain.

Called by the eager runner. Everything is run here and now, in the order in which a worker publishes it. Never
publishes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sedano.brokers.publication import Publication
from sedano.canvas.signature import signature
from sedano.execution.errbacks import Errbacks
from sedano.execution.following import Follower
from sedano.execution.host import Host
from sedano.execution.never_run import Failure
from sedano.execution.outcome import Failed, Outcome, Succeeded
from sedano.tasks.request import Context


class EagerFollowing:
    """Runs what follows from one application's tasks."""

    def __init__(self, app: Host) -> None:
        self._app = app
        self._errbacks = _EagerErrbacks(app, Follower(app))

    def run(self, request: Context, outcome: Outcome) -> None:
        """Run what a task's end leads to, with the task as its parent."""
        match outcome:
            case Succeeded(value=value):
                self._callbacks(request, value)
                if request.chain:
                    *rest, step = request.chain
                    following = signature(step, app=self._app)
                    following.apply((value,), chain=rest or None, **_below(request))
            case Failed(error=error, traceback=text) if request.errbacks:
                self._errbacks.fire(request, Failure(error, text))

    def _callbacks(self, request: Context, value: Any) -> None:
        callbacks = [signature(callback, app=self._app) for callback in request.callbacks or ()]
        # Groups go first: the others are together a group of their own.
        for callback in sorted(callbacks, key=lambda one: one.subtask_type != "group"):
            callback.apply((value,), **_below(request))


class _EagerErrbacks(Errbacks):
    """Runs those that a worker would publish."""

    def _published(
        self, errbacks: Sequence[Mapping[str, Any]], request: Context, why: str = "errbacks"
    ) -> list[Publication]:
        for errback in errbacks:
            signature(errback, app=self._app).apply((request.id,), **_below(request))
        return []


def _below(request: Context) -> dict[str, Any]:
    return {"parent_id": request.id, "root_id": request.root_id}
