"""What a task's end means for the workflow that its message carries: what follows, and what never runs.

Called by ``settling`` (for tasks that carry a workflow only) and by ``chord_ends``. Chords that follow are
begun in the store here; else it touches no store, and publishes nothing.
"""

import traceback
from collections.abc import Mapping
from typing import Any, NamedTuple

from sedano import states
from sedano.brokers.publication import Publication
from sedano.errors import ChordError
from sedano.execution.errbacks import Errbacks
from sedano.execution.following import Follower
from sedano.execution.host import Host
from sedano.execution.membership import Membership, later_steps, leaves, own_membership
from sedano.execution.never_run import Failure, NeverRun
from sedano.results import chord_document
from sedano.results.group_store import ChordPart
from sedano.results.result_write import ResultWrite
from sedano.tasks.request import Context


class Following(NamedTuple):
    """What a settlement carries beside the task's own result."""

    publications: list[Publication]
    #: Of steps that will never run.
    results: list[ResultWrite]
    parts: list[ChordPart]


def carries_workflow(request: Context) -> bool:
    """Whether anything depends on how this call ends."""
    return bool(request.chain or request.chord or request.callbacks or request.errbacks)


class Consequences:
    """Of the ends of one application's tasks."""

    def __init__(self, app: Host) -> None:
        self._app = app
        self._follower = Follower(app)
        self.never_run = NeverRun(app)
        self._errbacks = Errbacks(app, self._follower)

    def of_success(self, request: Context, value: Any) -> Following:
        """Callbacks, the next step of the chain, and the part in a chord.

        Raises:
            ResultStoreUnavailable: a chord that follows could not be begun.
            NotSerializable: the value cannot be written.
            Exception: what follows is no call that could be published.
        """
        publications: list[Publication] = []
        listed = list(request.children) if request._children is not None else None
        try:
            publications += self._callbacks(request, value)
            if request.chain:
                *rest, following = request.chain
                publications += self._follower.one(following, (value,), request, "next", chain=rest or None)
            parts = self._part_of_success(request, value)
        except BaseException:
            request._children = listed
            raise
        return Following(publications, [], parts)

    def of_failure(
        self, request: Context, failure: Failure, *, errbacks: bool = True, silent: bool = False
    ) -> Following:
        """Errbacks, the steps after this one, and the parts in chords.

        Args:
            request: The call that failed.
            failure: What went wrong.
            errbacks: Whether they are called; not for what was revoked or ignored.
            silent: Call none of the user's code in this process.
        """
        steps = list(later_steps(request))
        own = own_membership(request)
        parts = [self.never_run.part(own, failure)] if own is not None else []
        return Following(
            self._errbacks.fire(request, failure, silent=silent) if errbacks else [],
            self.never_run.results(steps, failure),
            parts + self.never_run.parts(steps, failure),
        )

    def of_chord_failure(
        self, body: Mapping[str, Any], error: ChordError, request: Context, *, silent: bool = False
    ) -> Following:
        """A member of the header failed: the body and the steps after it never run, and errbacks are called.

        The members of a body that is a group have failed with what the member raised, as with Celery.
        """
        cause = error.__cause__ if error.__cause__ is not None else error
        is_group = body.get("subtask_type") == "group"
        told = cause if is_group else error
        failure = Failure(told, "".join(traceback.format_exception_only(told)))
        steps = list(leaves([body]))
        publications: list[Publication] = []
        for task_id, name, errbacks in _called_for(body):
            failed = Context(
                id=task_id,
                task=name,
                errbacks=errbacks,
                root_id=request.root_id,
                parent_id=request.id,
                delivery_info={},
            )
            publications += self._errbacks.fire(failed, failure, silent=silent)
        return Following(
            publications,
            self.never_run.results(steps, failure),
            self.never_run.parts(steps, failure),
        )

    def of_chord_success(
        self, membership: Membership, values: list[Any], request: Context
    ) -> list[Publication]:
        """The body of a chord with what its members returned. Raises as ``of_success``."""
        body, group_id = membership.body, membership.group_id
        root_id = (body.get("options") or {}).get("root_id") or request.root_id
        return self._follower.one(body, (values,), request, f"body {group_id}", root_id=root_id)

    def _callbacks(self, request: Context, value: Any) -> list[Publication]:
        """As Celery: one alone, several together as a group, those that are groups by themselves."""
        callbacks = request.callbacks or []
        if len(callbacks) == 1:
            return self._follower.one(callbacks[0], (value,), request, "callback")
        publications: list[Publication] = []
        others = []
        for number, callback in enumerate(callbacks):
            if callback.get("subtask_type") == "group":
                publications += self._follower.one(callback, (value,), request, f"callback {number}")
            else:
                others.append(callback)
        if others:
            publications += self._follower.together(others, (value,), request, "callbacks")
        return publications

    def _part_of_success(self, request: Context, value: Any) -> list[ChordPart]:
        own = own_membership(request)
        if own is None:
            return []
        serializer = self._app.settings.results.serializer
        document = chord_document.encode(own.task_id, states.SUCCESS, value, serializer=serializer)
        return [own.part(document, self.never_run.parts_expire_at())]


def _called_for(body: Mapping[str, Any]) -> list[tuple[str | None, str, list[Any]]]:
    """Whose errbacks are called when a body does not run: id, name, and errbacks, each once."""
    options = body.get("options") or {}
    own = _as_list(options.get("link_error"))
    kwargs = body.get("kwargs") or {}
    match body.get("subtask_type"):
        case "group":
            called = []
            for member in kwargs.get("tasks") or ():
                called += [
                    (task_id, name, errbacks + [one for one in own if one not in errbacks])
                    for task_id, name, errbacks in _called_for(member)
                ]
            return called
        case "chord" if kwargs.get("body"):
            return [
                (task_id, name, errbacks + [one for one in own if one not in errbacks])
                for task_id, name, errbacks in _called_for(kwargs["body"])
            ]
        case "chain" if kwargs.get("tasks"):
            first = _called_for(kwargs["tasks"][0])
            return [
                (task_id, name, errbacks + [one for one in own if one not in errbacks])
                for task_id, name, errbacks in first
            ]
    return [(options.get("task_id"), body.get("task") or "unknown", own)]


def _as_list(signatures: Any) -> list[Any]:
    if not signatures:
        return []
    return [signatures] if isinstance(signatures, Mapping) else list(signatures)
