"""Other calls in a running task's place, or beside it: ``Task.replace`` and ``Task.add_to_chord``.

Called by tasks. Never publishes: what is made here becomes follow-ups of the running task, so that all of it
is settled in one step.
"""

from typing import TYPE_CHECKING, Any

from sedano.canvas.freezing import Naming, Place
from sedano.canvas.plan import plan
from sedano.canvas.signature import Signature, signature
from sedano.errors import ConfigurationError, Replaced
from sedano.tasks import workflows
from sedano.tasks.request import Context, ids_of_followers

if TYPE_CHECKING:
    from sedano.tasks.task import Task


def prepare(task: "Task[..., Any]", sig: Signature[Any]) -> Signature[Any]:
    """What takes the place of the call that runs: with its id, its callbacks, and its place in the workflow.

    Raises:
        ConfigurationError: the signature is an empty chain, or in a chord already.
    """
    request = task.request
    if sig.options.get("chord"):
        raise ConfigurationError(
            "replace: the signature is a member of a chord already. Give a clone without the option 'chord'."
        )
    sig = _with_one_result(task, sig)
    for callback in request.callbacks or ():
        sig.link(signature(callback, app=task.app))
    for errback in request.errbacks or ():
        sig.link_error(signature(errback, app=task.app))
    nesting = request.replaced_task_nesting + 1
    if sig.subtask_type == "chain":
        _link_to_last(sig)
        for step in sig.kwargs["tasks"]:
            step.set(replaced_task_nesting=nesting)
    sig._freeze_in(Place(id=request.id), Naming(ids_of_followers(request, "replacement"), request.reply_to))
    place: dict[str, Any] = {
        "chord": request.chord,
        "group_id": request.group,
        "group_index": request.group_index,
        "root_id": request.root_id,
        "replaced_task_nesting": nesting,
    }
    sig.set(**{name: value for name, value in place.items() if value is not None})
    for step in reversed(request.chain or ()):
        sig |= signature(step, app=task.app).set(replaced_task_nesting=nesting)
    return sig


def replace(task: "Task[..., Any]", sig: Signature[Any]) -> Any:
    """End the call that runs, with this one to follow; see ``Task.on_replace``."""
    request = task.request
    if request.is_eager:
        request._replacement = sig
        raise Replaced(f"replaced by {sig!r:.200}")
    _follow(task, request, sig, "replacement's messages")
    raise Replaced(f"replaced by {sig!r:.200}")


def add_to_chord(task: "Task[..., Any]", sig: Signature[Any], *, lazy: bool) -> Any:
    """See ``Task.add_to_chord``."""
    request = task.request
    if not request.chord or not request.group:
        raise ValueError(
            "add_to_chord: this task is in no chord's header. Only a member of one can add to it."
        )
    sig.set(
        group_id=request.group,
        group_index=request.group_index,
        chord=request.chord,
        root_id=request.root_id,
    )
    number = len(request._extensions)
    naming = Naming(ids_of_followers(request, f"member {number}"), request.reply_to)
    result = sig._freeze_in(Place(), naming)
    extension = request.group, sig._members_for_chord(), result.id or ""
    request._extensions = (*request._extensions, extension)
    if lazy:
        # The user publishes it, at any time from now on. Told once more with the settlement, it counts once.
        store = task.app.results
        if store is not None:
            store.groups.extend_chord(*extension)
        return sig
    _follow(task, request, sig, f"messages of member {number}")
    return result


def _follow(task: "Task[..., Any]", request: Context, sig: Signature[Any], why: str) -> None:
    planned = plan(
        sig,
        new_id=ids_of_followers(request, why),
        parent_id=request.id,
        root_id=request.root_id or request.id,
        reply_to=request.reply_to,
    )
    request.follow_ups += workflows.follow_ups(task.app, planned)


def _with_one_result(task: "Task[..., Any]", sig: Signature[Any]) -> Signature[Any]:
    """A group becomes a chord whose body gives the list: others wait for one result of this task."""
    gather = signature("celery.accumulate", kwargs={"index": 0}, app=task.app)
    if sig.subtask_type == "group":
        return sig | gather
    if sig.subtask_type == "chain":
        steps = list(sig.kwargs.get("tasks") or ())
        if not steps:
            raise ConfigurationError("replace: an empty chain takes no task's place. Return a value instead.")
        if signature(steps[-1], app=task.app).subtask_type == "group":
            steps[-1] = signature(steps[-1], app=task.app) | gather
            sig.kwargs["tasks"] = steps
    return sig


def _link_to_last(chain: Signature[Any]) -> None:
    """Callbacks of a chain follow its last step, whatever comes after the chain."""
    links = chain.options.pop("link", None) or ()
    for link in [links] if isinstance(links, dict) else links:
        chain.kwargs["tasks"][-1].link(link)
