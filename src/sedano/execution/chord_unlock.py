"""``celery.chord_unlock``: the end of chords of Celery clients whose result back end counts no members.

Such a client publishes this task beside the header. It looks whether all members have ended, and runs again
after a second if they have not. Our own clients never publish it.
"""

from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from sedano.errors import ChordError, MaxRetriesExceeded, ResultStoreUnavailable
from sedano.results.group_result import GroupResult
from sedano.results.result_tuple import read_result
from sedano.states import PROPAGATE_STATES

if TYPE_CHECKING:
    from sedano.execution.host import Host
    from sedano.tasks.task import Task

#: Seconds between two looks, where the client does not say.
INTERVAL: Final = 1.0


def chord_unlock(
    self: "Task[..., Any]",
    group_id: str,
    callback: dict[str, Any],
    interval: float | None = None,
    max_retries: int | None = None,
    result: Any = None,
    **kwargs: Any,
) -> list[Any]:
    """What the members of a header returned, with the body to follow; or another look, later.

    Args:
        self: The task.
        group_id: The chord's id.
        callback: The signature of its body.
        interval: Seconds between two looks.
        max_retries: How many looks there may be; None is any number.
        result: The result tuples of the members.
        kwargs: Accepted for Celery's sake.

    Raises:
        Retry: not all have ended.
        ChordError: a member has failed, or this was the last look.
    """
    members = GroupResult(group_id, [read_result(one, self.app) for one in result or ()], app=self.app)
    try:
        values = members.get(propagate=False, disable_sync_subtasks=False) if members.ready() else None
    except ResultStoreUnavailable:
        values = None
    if values is None:
        try:
            raise self.retry(countdown=INTERVAL if interval is None else interval, max_retries=max_retries)
        except MaxRetriesExceeded as error:
            _fail(self, callback, f"chord_unlock could not be retried: {error!r}", error)
    for member in members._leaves():
        if member.state in PROPAGATE_STATES:
            _fail(self, callback, f"Dependency {member.id} raised {member.result!r}", member.result)
    # The rest is what any task leaves to its chain: the next step, with what is returned here.
    self.request.chain = [callback]
    return values


def _fail(task: "Task[..., Any]", body: dict[str, Any], reason: str, cause: Any) -> NoReturn:
    # Imported here: only workers get here, and every application has this task.
    from sedano.execution.consequences import Consequences

    error = ChordError(reason)
    error.__cause__ = cause if isinstance(cause, BaseException) else None
    request = task.request
    failed = Consequences(cast("Host", task.app)).of_chord_failure(body, error, request)
    request.follow_ups += failed.publications
    request.chain = [body]
    raise error
