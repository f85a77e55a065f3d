"""The port to what all schedulers know together: when each entry of the schedule was last due, and run.

A *tick* is one due moment of one entry. Any number of schedulers see it come; whoever claims it first has
its message published, in the same step, and the claims of the others fail. A broker offers it as
``Broker.ticks``. Where messages go through another broker, the step keeps them instead (``beat.outbox``).
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import msgspec

from sedano.brokers.publication import Publication


class EntryState(msgspec.Struct, frozen=True):
    """What schedulers know of one entry, besides its rule."""

    #: The last due moment that was claimed; before the first, when the entry was first seen. POSIX seconds.
    since: float
    #: When a message was last published for it, POSIX seconds (UTC).
    last_run_at: float | None = None
    #: Messages that were published for it.
    runs: int = 0
    paused: bool = False


class Tick(msgspec.Struct, frozen=True):
    """One due moment of one entry, as one scheduler sees it."""

    entry: str
    #: The entry's ``since`` that the moment follows from; if that has changed, somebody else was first.
    since: float
    #: POSIX seconds (UTC); the entry's next ``since``.
    due: float
    #: None: the moment was missed, and is to be left out.
    publication: Publication | None = None


class Unpublished(msgspec.Struct, frozen=True, array_like=True):
    """A message whose tick was claimed, and that has yet to be published."""

    publication: Publication
    #: When it was claimed, or last taken over: POSIX seconds.
    since: float


class TickStore(Protocol):
    """Thread-safe, and shared by all processes that use the broker. Raises the broker's errors."""

    #: A claim can publish: queues and claims can be changed in one step here.
    publishes: bool

    def states(self, entries: Collection[str], *, now: float) -> Mapping[str, EntryState]:
        """The state of each of these entries; of one that nobody has seen before, a new one that begins now.

        Args:
            entries: Their names.
            now: POSIX seconds (UTC).
        """

    def claim(self, ticks: Sequence[Tick], *, now: float, keep: bool = False) -> list[bool]:
        """Claim these ticks, each in one step with the publication of its message; whether each was ours.

        None is that is of a paused or an unknown entry, or whose ``since`` has changed.

        Args:
            ticks: Their entries may repeat: then each tick follows from the one before.
            now: POSIX seconds (UTC).
            keep: Rather than publish the messages, keep them among the ``unpublished``, since ``now``.
        """

    def unpublished(self, *, limit: int) -> Sequence[Unpublished]:
        """The messages that claims have kept, the oldest first."""

    def take_over(self, kept: Sequence[Unpublished], *, now: float) -> list[Unpublished]:
        """Be the one to publish these, from now on: those of them that nobody else has taken or published."""

    def published(self, kept: Sequence[Unpublished]) -> None:
        """They have been published: forget them. Idempotent."""

    def restart(self, entry: str, *, since: float, now: float) -> bool:
        """Have an entry begin anew, now, if its ``since`` is still this one: it is one that cannot be."""

    def pause(self, entry: str, *, now: float) -> bool:
        """No tick of it can be claimed any more; False if nobody has seen it. Idempotent."""

    def resume(self, entry: str, *, now: float) -> bool:
        """Undo ``pause``: what was due meanwhile is left out. False if nobody has seen it. Idempotent."""

    def write(self, entry: str, document: bytes, *, now: float) -> None:
        """Make an entry at run time, or change it: its rule, as ``beat.entry_document`` writes it."""

    def remove(self, entry: str) -> bool:
        """Forget an entry, its rule and its state; whether there was one."""

    def documents(self) -> Mapping[str, bytes]:
        """The entries that were made at run time."""

    def changes(self) -> int:
        """Grows whenever an entry is written, removed, paused or resumed: look again."""
