"""What becomes of a claimed message: the five ways to settle, as values.

Made by ``worker.settlement`` from outcomes, carried out by a ``Lease``. All of one batch is carried out
in one step where the broker can (SQL transaction, script).

A settlement whose ``workflow`` has parts may complete a chord. Its message is then kept, claimed as before,
until another settlement ends the chord: ``Claimed.completing``.
"""

from typing import TypeAlias

import msgspec

from sedano.brokers.publication import Publication
from sedano.results.group_store import WorkflowChange
from sedano.results.result_write import ResultWrite


class Finish(msgspec.Struct, frozen=True, array_like=True, tag="finish", gc=False):
    """Remove the message for good; store its result, publish what follows from it."""

    tag: int
    result: ResultWrite | None = None
    follow_ups: tuple[Publication, ...] = ()
    workflow: WorkflowChange | None = None


class Requeue(msgspec.Struct, frozen=True, array_like=True, tag="requeue", gc=False):
    """Put the message back: at the front of its lane, or to be ready at ``due``.

    ``crashed`` counts a crash attempt. ``result`` tells the waiting that it will run again.
    """

    tag: int
    #: POSIX seconds (UTC); None means ready at once.
    due: float | None = None
    crashed: bool = False
    result: ResultWrite | None = None
    #: Its task may have begun under this claim: from now on it is ``redelivered``.
    begun: bool = True


class Bury(msgspec.Struct, frozen=True, array_like=True, tag="bury", gc=False):
    """Move the message to the dead letters, with the reason; store the result, publish what follows."""

    tag: int
    reason: str
    crashed: bool = False
    result: ResultWrite | None = None
    follow_ups: tuple[Publication, ...] = ()
    workflow: WorkflowChange | None = None


class Park(msgspec.Struct, frozen=True, array_like=True, tag="park", gc=False):
    """Set the message aside until a node comes up that knows its task."""

    tag: int


class Record(msgspec.Struct, frozen=True, array_like=True, tag="record", gc=False):
    """Store a result and publish follow-ups, and leave the message as it is.

    With a ``tag``, only while the claim stands (progress of a running task). Without one, always (a task
    whose message was removed before it ran, because its user chose ``acks_late=False``).
    """

    tag: int | None
    result: ResultWrite | None = None
    follow_ups: tuple[Publication, ...] = ()
    workflow: WorkflowChange | None = None


Settlement: TypeAlias = Finish | Requeue | Bury | Park | Record
