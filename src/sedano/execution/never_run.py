"""What is told of steps that will never run: their results, and their parts of the chords they are in.

Called by ``consequences``. Touches no broker and no store.
"""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from sedano import states
from sedano.errors import NotSerializable, TaskNotRegistered, TaskRevoked
from sedano.execution.host import Host
from sedano.execution.membership import Leaf, Membership, membership_of
from sedano.results import celery_meta, chord_document
from sedano.results.group_store import ChordPart
from sedano.results.result_write import ResultWrite
from sedano.results.task_meta import TaskMeta

#: What is stored of a step with ``result_extended``, and where its signature has it.
_SHOWN: Final = {"name": "task", "args": "args", "kwargs": "kwargs"}


class Failure(NamedTuple):
    """Why something does not run, or has failed."""

    error: BaseException
    traceback: str | None = None

    @property
    def state(self) -> str:
        """REVOKED for what was revoked or had expired, else FAILURE."""
        return states.REVOKED if isinstance(self.error, TaskRevoked) else states.FAILURE


class NeverRun:
    """Makes the documents for one application."""

    def __init__(self, app: Host) -> None:
        self._app = app

    def results(self, leaves: Iterable[Leaf], failure: Failure) -> list[ResultWrite]:
        """The error as the result of each, but for those whose results are not kept."""
        writes = []
        for leaf in leaves:
            task_id = (leaf.signature.get("options") or {}).get("task_id")
            if task_id and not self._is_ignored(leaf):
                writes.append(self._result(task_id, leaf, failure))
        return writes

    def parts(self, leaves: Iterable[Leaf], failure: Failure) -> list[ChordPart]:
        """The error as the end of each that is a chord's member."""
        found = (membership_of(leaf) for leaf in leaves)
        return [self.part(membership, failure) for membership in found if membership is not None]

    def part(self, membership: Membership, failure: Failure) -> ChordPart:
        """The error as the end of this member."""
        serializer = self._app.settings.results.serializer
        task_id, state = membership.task_id, failure.state
        try:
            document = chord_document.encode(task_id, state, failure.error, serializer=serializer)
        except (NotSerializable, RecursionError):
            # Only what pickle cannot write: the body is to hear of it all the same.
            error = RuntimeError(repr(failure.error))
            document = chord_document.encode(task_id, state, error, serializer=serializer)
        return membership.part(document, self.parts_expire_at())

    def parts_expire_at(self) -> float | None:
        """Until when a chord's state is kept that is told something now."""
        settings = self._app.settings.results
        kept = settings.chord_expires if settings.chord_expires is not None else settings.expires
        return None if kept is None else self._app.clock.timestamp() + kept.total_seconds()

    def _result(self, task_id: str, leaf: Leaf, failure: Failure) -> ResultWrite:
        signature, settings = leaf.signature, self._app.settings.results
        options = signature.get("options") or {}
        group_id, reply_to = options.get("group_id"), options.get("reply_to")
        origin: dict[str, Any] = {"finished_at": self._app.clock.now(), "group_id": group_id}
        if settings.extended:
            origin |= {name: signature[of] for name, of in _SHOWN.items() if of in signature} | {"retries": 0}
        if failure.state == states.REVOKED:
            meta = TaskMeta.revoked(task_id, failure.error, **origin)
        else:
            meta = TaskMeta.failed(task_id, failure.error, traceback=failure.traceback, **origin)
        now = self._app.clock.timestamp()
        try:
            return celery_meta.to_write(meta, settings, now=now, reply_to=reply_to)
        except (NotSerializable, RecursionError):
            shown = TaskMeta.failed(task_id, RuntimeError(repr(failure.error)), **origin)
            return celery_meta.to_write(shown, settings, now=now, reply_to=reply_to)

    def _is_ignored(self, leaf: Leaf) -> bool:
        if self._app.results is None:
            return True
        ignored = (leaf.signature.get("options") or {}).get("ignore_result")
        try:
            task = self._app.tasks[leaf.signature.get("task") or ""]
        except TaskNotRegistered:
            return bool(ignored)
        if task.store_errors_even_if_ignored:
            return False
        return bool(task.ignore_result if ignored is None else ignored)
