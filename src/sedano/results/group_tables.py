"""Groups and chords in the tables of a SQL database, within a transaction that somebody has open.

Used by the stores on SQL databases, each with its own way to run a statement. Never begins or ends the
transaction.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from sedano.results.chord_times import CLAIM_SECONDS, ENDED_SECONDS, ENDING_SECONDS, EXTENDED_SECONDS
from sedano.results.group_store import ChordEnd, ChordPart


class GroupStatements(Protocol):
    """Runs the statements of ``groups.sql``, by name, in one transaction."""

    def rows(self, name: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What a statement reads."""

    def change(self, name: str, *parameters: Any) -> int:
        """How many rows a statement changes."""


class GroupTables:
    """What a ``GroupStore`` does, at one moment (POSIX seconds)."""

    __slots__ = ("_now", "_run")

    def __init__(self, run: GroupStatements, now: float) -> None:
        self._run = run
        self._now = now

    # -- saved groups

    def save(self, group_id: str, document: bytes, expires_at: float | None) -> None:
        self._run.change("save_group", group_id, document, expires_at)

    def get(self, group_id: str) -> bytes | None:
        rows = self._run.rows("get_group", group_id, self._now)
        return bytes(rows[0][0]) if rows else None

    def forget(self, group_id: str) -> None:
        self._run.change("forget_group", group_id)

    def prune(self, limit: int) -> int:
        """Delete at most so many rows of what has expired; returns how many."""
        left = limit
        # A chord goes after its parts: what is left of them is found by it.
        for name in ("prune_groups", "prune_parts", "prune_chords"):
            if left > 0:
                left -= self._run.change(name, self._now, left)
        return limit - left

    # -- chords

    def begin_chord(self, group_id: str, size: int, expires_at: float | None) -> None:
        self._forget_expired(group_id)
        if self._run.change("forget_ended_chord", group_id):
            self._run.change("forget_parts", group_id)
        self._run.change("begin_chord", group_id, size, expires_at)

    def extend_chord(self, group_id: str, members: int, by: str = "") -> None:
        self._forget_expired(group_id)
        # Noted like a member, which has nothing to tell. No id begins with a plus.
        if by and not self._run.change("add_part", group_id, f"+{by}", None, b""):
            return
        self._run.change("extend_chord", group_id, members, self._now + EXTENDED_SECONDS)

    def add_parts(self, parts: Sequence[ChordPart]) -> list[bool]:
        return [self._add(part) for part in parts]

    def _add(self, part: ChordPart) -> bool:
        self._forget_expired(part.group_id)
        if not self._run.change("keep_chord", part.group_id, part.expires_at):
            return False
        if part.document and self._run.change(
            "add_part", part.group_id, part.member, part.index, part.document
        ):
            self._run.change("count_part", part.group_id)
        member, now = part.member, self._now
        return bool(
            self._run.change("claim_complete_chord", member, now + CLAIM_SECONDS, part.group_id, member, now)
        )

    def has_part(self, part: ChordPart) -> bool:
        return bool(self._run.rows("has_part", part.group_id, self._now, part.member))

    def is_to_end(self, part: ChordPart) -> bool:
        """Whether this member was the last to complete its chord, which has not been ended."""
        return bool(self._run.rows("is_to_end", part.group_id, self._now, part.member))

    def parts(self, group_id: str) -> list[bytes]:
        return [bytes(document) for (document,) in self._run.rows("parts", group_id, self._now)]

    def may_end(self, end: ChordEnd) -> bool:
        member, now = end.member, self._now
        return bool(
            self._run.change("claim_chord", member, now + ENDING_SECONDS, end.group_id, now, member, now)
        )

    def end_chord(self, end: ChordEnd) -> None:
        if self._run.change("end_chord", self._now + ENDED_SECONDS, end.group_id, end.member):
            self._run.change("forget_parts", end.group_id)

    def take_end(self, end: ChordEnd) -> bool:
        """``may_end``, and if so ``end_chord``."""
        if not self.may_end(end):
            return False
        self.end_chord(end)
        return True

    def _forget_expired(self, group_id: str) -> None:
        if self._run.change("forget_expired_chord", group_id, self._now):
            self._run.change("forget_parts", group_id)
