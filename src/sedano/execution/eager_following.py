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
from sedano.loops.steps import Blocking, Steps
from sedano.tasks.request import Context


class EagerFollowing:
    """Runs what follows from one application's tasks."""

    def __init__(self, app: Host) -> None:
        self._app = app
        self._follower = Follower(app)

    def run(self, request: Context, outcome: Outcome) -> Steps[None]:
        """Run what a task's end leads to, with the task as its parent."""
        match outcome:
            case Succeeded(value=value):
                yield from self._callbacks(request, value)
                if request.chain:
                    *rest, step = request.chain
                    following = signature(step, app=self._app)
                    yield from following._eager_steps((value,), chain=rest or None, **_below(request))
            case Failed(error=error, traceback=text) if request.errbacks:
                # Those that get the error are called in place.
                to_run = _EagerErrbacks(self._app, self._follower)
                yield Blocking(lambda: to_run.fire(request, Failure(error, text)), self._app.run_blocking)
                for errback in to_run.found:
                    yield from signature(errback, app=self._app)._eager_steps(
                        (request.id,), **_below(request)
                    )

    def _callbacks(self, request: Context, value: Any) -> Steps[None]:
        callbacks = [signature(callback, app=self._app) for callback in request.callbacks or ()]
        # Groups go first: the others are together a group of their own.
        for callback in sorted(callbacks, key=lambda one: one.subtask_type != "group"):
            yield from callback._eager_steps((value,), **_below(request))


class _EagerErrbacks(Errbacks):
    """Finds those that a worker would publish."""

    def __init__(self, app: Host, follower: Follower) -> None:
        super().__init__(app, follower)
        self.found: list[Mapping[str, Any]] = []

    def _published(
        self, errbacks: Sequence[Mapping[str, Any]], request: Context, why: str = "errbacks"
    ) -> list[Publication]:
        self.found += errbacks
        return []


def _below(request: Context) -> dict[str, Any]:
    return {"parent_id": request.id, "root_id": request.root_id}
