"""Groups and chords in this process's memory.

Made by ``MemoryResultStore``. Never leaves the process.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sedano.clock import Clock
from sedano.results.chord_times import CLAIM_SECONDS, ENDED_SECONDS, ENDING_SECONDS, EXTENDED_SECONDS
from sedano.results.group_store import ChordEnd, ChordPart


@dataclass(slots=True)
class _Chord:
    """How far the members of one chord are."""

    #: None before it has begun.
    size: int | None = None
    extension: int = 0
    extended_by: set[str] = field(default_factory=set)
    parts: dict[str, ChordPart] = field(default_factory=dict)
    claimed_by: str | None = None
    claimed_until: float = 0.0
    ended: bool = False
    expires_at: float | None = None

    def add(self, part: ChordPart) -> None:
        """Count a member, unless it has been counted, or has nothing to tell."""
        if part.document:
            self.parts.setdefault(part.member, part)
        self.expires_at = part.expires_at

    def is_complete(self) -> bool:
        return self.size is not None and len(self.parts) >= self.size + self.extension

    def claim(self, member: str, now: float, seconds: float) -> bool:
        """Make it this member's to end for so long, unless it is another's."""
        if self.claimed_by not in (None, member) and self.claimed_until > now:
            return False
        self.claimed_by, self.claimed_until = member, now + seconds
        return True


class MemoryGroups:
    """A ``GroupStore``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._groups: dict[str, tuple[bytes, float | None]] = {}
        self._chords: dict[str, _Chord] = {}
        self._lock: Final = threading.Lock()  # guards both

    # -- saved groups

    def save(self, group_id: str, document: bytes, *, expires_at: float | None) -> None:
        with self._lock:
            self._groups[group_id] = document, expires_at

    def get(self, group_id: str) -> bytes | None:
        with self._lock:
            document, expires_at = self._groups.get(group_id, (None, None))
            return None if self._has_expired(expires_at) else document

    def forget(self, group_id: str) -> None:
        with self._lock:
            self._groups.pop(group_id, None)

    def prune(self, limit: int) -> int:
        """Delete at most so many expired groups and chords; returns how many."""
        with self._lock:
            groups = [name for name, (_, expires_at) in self._groups.items() if self._has_expired(expires_at)]
            chords = [name for name, chord in self._chords.items() if self._has_expired(chord.expires_at)]
            del groups[limit:]
            del chords[limit - len(groups) :]
            for name in groups:
                del self._groups[name]
            for name in chords:
                del self._chords[name]
            return len(groups) + len(chords)

    # -- chords

    def begin_chord(self, group_id: str, size: int, *, expires_at: float | None) -> None:
        with self._lock:
            chord = self._chord(group_id)
            if chord.ended:
                chord = self._chords[group_id] = _Chord()
            chord.size, chord.expires_at = size, expires_at

    def extend_chord(self, group_id: str, members: int, by: str = "") -> None:
        with self._lock:
            if self._present(group_id) is None:
                self._chord(group_id).expires_at = self._clock.timestamp() + EXTENDED_SECONDS
            chord = self._chord(group_id)
            if by not in chord.extended_by:
                chord.extension += members
                chord.extended_by |= {by} - {""}

    def add_parts(self, parts: Sequence[ChordPart]) -> list[bool]:
        with self._lock:
            return [self._add(part) for part in parts]

    def _add(self, part: ChordPart) -> bool:
        chord = self._chord(part.group_id)
        if chord.ended:
            return False
        chord.add(part)
        return chord.is_complete() and chord.claim(part.member, self._clock.timestamp(), CLAIM_SECONDS)

    def has_part(self, part: ChordPart) -> bool:
        with self._lock:
            chord = self._present(part.group_id) or _Chord()
            return chord.ended or part.member in chord.parts

    def is_to_end(self, part: ChordPart) -> bool:
        """Whether this member was the last to complete its chord, which has not been ended."""
        with self._lock:
            chord = self._present(part.group_id)
            return chord is not None and chord.claimed_by == part.member

    def parts(self, group_id: str) -> list[bytes]:
        with self._lock:
            chord = self._present(group_id) or _Chord()
            return [part.document for part in sorted(chord.parts.values(), key=_place)]

    def may_end(self, end: ChordEnd) -> bool:
        with self._lock:
            return self._may_end(end)

    def _may_end(self, end: ChordEnd) -> bool:
        chord = self._present(end.group_id)
        if chord is None or chord.ended or chord.size is None:
            return False
        return chord.claim(end.member, self._clock.timestamp(), ENDING_SECONDS)

    def end_chord(self, end: ChordEnd) -> None:
        with self._lock:
            self._end(end)

    def _end(self, end: ChordEnd) -> None:
        chord = self._present(end.group_id)
        if chord is not None and chord.claimed_by == end.member:
            until = self._clock.timestamp() + ENDED_SECONDS
            self._chords[end.group_id] = _Chord(ended=True, expires_at=until)

    def take_end(self, end: ChordEnd) -> bool:
        """``may_end``, and if so ``end_chord``."""
        with self._lock:
            if not self._may_end(end):
                return False
            self._end(end)
            return True

    def _chord(self, group_id: str) -> _Chord:
        """What is kept of a chord; something new if that is nothing."""
        chord = self._present(group_id)
        if chord is None:
            chord = self._chords[group_id] = _Chord()
        return chord

    def _present(self, group_id: str) -> _Chord | None:
        chord = self._chords.get(group_id)
        return None if chord is None or self._has_expired(chord.expires_at) else chord

    def _has_expired(self, expires_at: float | None) -> bool:
        return expires_at is not None and expires_at <= self._clock.timestamp()


class MemoryJointGroups:
    """The ``JointGroups`` of every memory broker in this process: there are no transactions."""

    def __init__(self, groups: MemoryGroups) -> None:
        self._groups = groups

    def extend_chord(self, transaction: object, group_id: str, members: int, by: str = "") -> None:
        self._groups.extend_chord(group_id, members, by)

    def add_parts(self, transaction: object, parts: Sequence[ChordPart]) -> list[bool]:
        return self._groups.add_parts(parts)

    def has_part(self, transaction: object, part: ChordPart) -> bool:
        return self._groups.has_part(part)

    def is_to_end(self, transaction: object, part: ChordPart) -> bool:
        return self._groups.is_to_end(part)

    def take_end(self, transaction: object, end: ChordEnd) -> bool:
        return self._groups.take_end(end)


def _place(part: ChordPart) -> float:
    return float("inf") if part.index is None else part.index
