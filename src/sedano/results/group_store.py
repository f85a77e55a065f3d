"""The port to what is kept of groups: the saved ones, and how far the members of chords are.

A part of every result store (``ResultStore.groups``). Celery's layout where Celery has one.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from sedano.results.result_write import ResultWrite


class ChordPart(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The end of one member of a chord's header."""

    group_id: str
    task_id: str
    #: Its place among the members; None sorts last.
    index: int | None
    #: What it ended with, as Celery writes it (``chord_document``). Empty: what was stored of it before.
    document: bytes
    #: Until when the chord's state is kept, POSIX seconds (UTC); None keeps it for good.
    expires_at: float | None = None

    @property
    def member(self) -> str:
        """Names the member within its chord. Told once more, it counts no more."""
        return f"{self.task_id}:{'+inf' if self.index is None else self.index}"


class ChordEnd(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A chord whose parts have been read: its body follows."""

    group_id: str
    #: The member that completed it.
    member: str


class WorkflowChange(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a task's end means for the workflow around it, beside its follow-ups."""

    #: Of steps that will never run.
    results: tuple[ResultWrite, ...] = ()
    parts: tuple[ChordPart, ...] = ()
    #: The settlement ends this chord. Where somebody else has ended it, nothing of the settlement takes
    #: effect, but that its message is removed.
    end: ChordEnd | None = None
    #: Chords, how many more members they get, and by what, as for ``extend_chord``.
    extensions: tuple[tuple[str, int, str], ...] = ()


class GroupStore(Protocol):
    """Thread-safe. Survives a fork. Errors as those of the result store."""

    def save(self, group_id: str, document: bytes, *, expires_at: float | None) -> None:
        """Keep a group: the ids of its members."""

    def get(self, group_id: str) -> bytes | None:
        """A saved group; None if there is none, or it has expired."""

    def forget(self, group_id: str) -> None:
        """Delete a saved group. Idempotent."""

    def begin_chord(self, group_id: str, size: int, *, expires_at: float | None) -> None:
        """So many members will tell their ends. To be called before the first is published."""

    def add_parts(self, parts: Sequence[ChordPart]) -> list[bool]:
        """Count members; for each, whether it has completed its chord, and the caller is to end that.

        A member counts once, whatever it tells a second time. Of all members that tell their ends, one
        completes the chord: the last one, and that one again when it tells again. Should it not end the chord
        within some seconds, the next that tells again may. Before ``begin_chord``, and after ``end_chord``,
        none does.
        """

    def has_part(self, part: ChordPart) -> bool:
        """Whether this member has been counted."""

    def parts(self, group_id: str) -> list[bytes]:
        """The documents of a chord's members, by their index."""

    def may_end(self, end: ChordEnd) -> bool:
        """Whether the chord is still this member's to end, and so for an hour nobody else's."""

    def end_chord(self, end: ChordEnd) -> None:
        """The body has been published: forget the parts. Idempotent."""

    def extend_chord(self, group_id: str, members: int, by: str = "") -> None:
        """So many members more; once, however often it is told ``by`` the same. Empty: each time."""


class JointGroups(Protocol):
    """``GroupStore`` within a transaction that a broker has open; see ``JointResults``."""

    def extend_chord(self, transaction: Any, group_id: str, members: int, by: str = "") -> None: ...

    def add_parts(self, transaction: Any, parts: Sequence[ChordPart]) -> list[bool]: ...

    def has_part(self, transaction: Any, part: ChordPart) -> bool: ...

    def is_to_end(self, transaction: Any, part: ChordPart) -> bool:
        """Whether this member was the last to complete its chord, which has not been ended."""

    def take_end(self, transaction: Any, end: ChordEnd) -> bool:
        """``may_end``, and if so ``end_chord``."""
