"""What the result store hears of a workflow before its first message is published.

Made by ``tasks.workflows``. Knows no store.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sedano.results.group_store import GroupStore


class SavedGroup(NamedTuple):
    """A group to be kept."""

    id: str
    document: bytes
    expires_at: float | None


class BegunChord(NamedTuple):
    """A chord whose members are about to be published."""

    group_id: str
    size: int
    expires_at: float | None


class WorkflowStart(NamedTuple):
    """To be carried out in this order. To do it again is harmless."""

    groups: Sequence[SavedGroup]
    chords: Sequence[BegunChord]

    def tell(self, groups: GroupStore) -> None:
        """Carry it out."""
        for group in self.groups:
            groups.save(group.id, group.document, expires_at=group.expires_at)
        for chord in self.chords:
            groups.begin_chord(chord.group_id, chord.size, expires_at=chord.expires_at)
