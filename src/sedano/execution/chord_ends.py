"""How a chord is ended: what its members returned goes to its body, or its body is told that one has failed.

Called by the executor: for a member that has completed its chord, as the store says, and for jobs without a
message (``acks_late=False``), which are counted here. Publishes nothing: it returns settlements.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from time import sleep
from typing import Final, TypeVar

import msgspec

from sedano.backoff import ExponentialBackoff
from sedano.brokers.settlement import Bury, Finish, Record, Settlement
from sedano.errors import ChordError, ResultStoreUnavailable
from sedano.execution.attempt import Attempt
from sedano.execution.consequences import Consequences, Following
from sedano.execution.ending import ChordComplete
from sedano.execution.host import Host
from sedano.execution.joining import joined
from sedano.execution.membership import Membership, memberships
from sedano.results.group_store import ChordEnd, ChordPart, WorkflowChange
from sedano.results.store import ResultStore

logger = logging.getLogger("sedano.worker.task")

T = TypeVar("T")

#: Where there is no message to come back to, the store is asked so often, in about 20 s.
_TRIES: Final = 12
_BACKOFF: Final = ExponentialBackoff(factor=0.1, longest=3.0, jitter=True)


class ChordEnds:
    """Ends the chords of one application."""

    def __init__(self, app: Host) -> None:
        self._app = app
        self._consequences = Consequences(app)

    def settlement(self, attempt: Attempt, ending: ChordComplete) -> Settlement:
        """Ends the first of these chords, and has the others come again.

        Raises:
            ResultStoreUnavailable: try again.
        """
        tag = attempt.job.delivery.tag
        first, *others = ending.group_ids
        members = list(memberships(attempt.request))
        member = self._completing([one for one in members if one.group_id == first])
        if member is None:
            logger.warning("Chord %s has been ended by somebody else than %s", first, attempt.request.id)
            following, end = Following([], [], []), None
        else:
            following = self._following(attempt, member, ending.failure)
            end = ChordEnd(first, member.member)
        parts = [*following.parts, *(one.part() for one in members if one.group_id in others)]
        workflow = WorkflowChange(tuple(following.results), tuple(parts), end)
        follow_ups = tuple(following.publications)
        if ending.burial is not None:
            return Bury(tag, reason=ending.burial, follow_ups=follow_ups, workflow=workflow)
        return Finish(tag, follow_ups=follow_ups, workflow=workflow)

    def count(self, attempt: Attempt, record: Record) -> list[Record]:
        """Count members whose job has no message that could be kept until their chord is ended, and end it.

        Returns:
            What is left to settle, in this order.
        """
        waiting, done = [record], []
        while waiting:
            record = waiting.pop(0)
            workflow = record.workflow or WorkflowChange()
            try:
                completing = self._count(workflow)
                waiting += [self._record_of_end(attempt, part) for part in completing]
            except ResultStoreUnavailable:
                # The node tells it then, as soon as it can; if this was the last member, it ends no chord.
                logger.exception("The chords of task %s could not be told of its end", attempt.request.id)
                done.append(record)
                continue
            kept = msgspec.structs.replace(workflow, parts=(), extensions=())
            done.append(msgspec.structs.replace(record, workflow=kept if kept != WorkflowChange() else None))
        return done

    def _count(self, workflow: WorkflowChange) -> list[ChordPart]:
        """Tell of the parts; those that completed their chords."""
        store = self._app.results
        if store is None or not (workflow.parts or workflow.extensions):
            return []
        groups = store.groups
        for extension in workflow.extensions:
            patiently(partial(groups.extend_chord, *extension))
        completes = patiently(lambda: groups.add_parts(workflow.parts))
        return [part for part, last in zip(workflow.parts, completes, strict=True) if last]

    def _record_of_end(self, attempt: Attempt, part: ChordPart) -> Record:
        member = next(one for one in memberships(attempt.request) if one.part().member == part.member)
        following = patiently(lambda: self._following(attempt, member, None))
        end = ChordEnd(part.group_id, part.member)
        workflow = WorkflowChange(tuple(following.results), tuple(following.parts), end)
        return Record(None, follow_ups=tuple(following.publications), workflow=workflow)

    def _completing(self, members: Sequence[Membership]) -> Membership | None:
        """Which of several members in one message it was; whether it still is, the settlement asks."""
        if len(members) == 1:
            return members[0]
        store = self._store()
        return next(
            (one for one in members if store.groups.may_end(ChordEnd(one.group_id, one.member))), None
        )

    def _following(self, attempt: Attempt, member: Membership, failure: str | None) -> Following:
        request, silent = attempt.request, attempt.job.silent
        try:
            if failure is not None:
                raise ChordError(failure)
            values = joined(self._store(), member.group_id, serializer=self._app.settings.results.serializer)
            return self._body(attempt, member, values)
        except ChordError as error:
            logger.error("Chord %s has failed: %s", member.group_id, error)
            return self._consequences.of_chord_failure(member.body, error, request, silent=silent)

    def _body(self, attempt: Attempt, member: Membership, values: list[object]) -> Following:
        try:
            publications = self._consequences.of_chord_success(member, values, attempt.request)
        except ResultStoreUnavailable:
            raise
        except Exception as error:
            raise ChordError(f"Callback error: {error!r}") from error
        return Following(publications, [], [])

    def _store(self) -> ResultStore:
        store = self._app.results
        assert store is not None  # the executor has looked
        return store


def patiently(ask: Callable[[], T]) -> T:
    """Ask the store until it answers. Raises ResultStoreUnavailable where it does not, for long."""
    for attempt in range(_TRIES):
        try:
            return ask()
        except ResultStoreUnavailable:
            sleep(_BACKOFF.delay(attempt))
    return ask()
