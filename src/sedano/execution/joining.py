"""The end of a chord: what its members returned, in order, or why its body cannot run.

Called by the executor, for the member that completed the chord. Reads the store, and changes nothing in it.
"""

from collections.abc import Sequence
from typing import Any

from sedano import states
from sedano.errors import ChordError, ResultStoreError, ResultStoreUnavailable
from sedano.results import celery_meta, chord_document
from sedano.results.chord_document import MemberEnd
from sedano.results.store import ResultStore


def joined(results: ResultStore, group_id: str, *, serializer: str) -> list[Any]:
    """What the members returned, as the body gets it.

    Raises:
        ChordError: a member failed; what it raised is the cause. Or what it told cannot be read.
        ResultStoreUnavailable: try again.
    """
    try:
        ends = [
            chord_document.decode(document, serializer=serializer)
            for document in results.groups.parts(group_id)
        ]
        for end in ends:
            _raise_failure(end)
        saved = results.groups.get(group_id)
        if saved is not None:
            members = _members_of(celery_meta.decode_group(group_id, saved, serializer=serializer)) or ()
            if any(_members_of(one) is not None for one in members):
                return _nested(members, {end.task_id: end for end in ends}, results, serializer)
        return [end.result for end in ends]
    except ResultStoreUnavailable:
        raise
    except ResultStoreError as error:
        raise ChordError(f"Join error: {error!r}") from error


def _nested(
    members: Sequence[Any], ends: dict[str, MemberEnd], results: ResultStore, serializer: str
) -> list[Any]:
    """A header with groups in it was saved as such: their members' values come as lists in the list."""
    values: list[Any] = []
    for member in members:
        inner = _members_of(member)
        if inner is not None:
            values.append(_nested(inner, ends, results, serializer))
            continue
        task_id = member[0][0]
        end = ends.get(task_id) or _stored(task_id, results, serializer)
        _raise_failure(end)
        values.append(end.result)
    return values


def _members_of(member: Any) -> Sequence[Any] | None:
    """A result in Celery's form is ``[[id, parent], None]``, a group ``[[id, parent], [members]]``."""
    members: Sequence[Any] | None = member[1]
    return members


def _stored(task_id: str, results: ResultStore, serializer: str) -> MemberEnd:
    document = results.get(task_id)
    if document is None:
        raise ChordError(f"Join error: there is no result of {task_id}")
    meta = celery_meta.decode(task_id, document, serializer=serializer)
    if meta.status not in states.READY_STATES:
        raise ChordError(f"Join error: {task_id} has not ended")
    return MemberEnd(task_id, meta.status, meta.result)


def _raise_failure(end: MemberEnd) -> None:
    if end.has_failed:
        cause = end.result if isinstance(end.result, BaseException) else None
        raise ChordError(f"Dependency {end.task_id} raised {end.result!r}") from cause
