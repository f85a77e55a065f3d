"""Groups and chords where nothing is kept: what they need of a store is refused.

A part of ``RpcResultStore``. Results of groups are gathered all the same: each member's comes by itself.
"""

from collections.abc import Sequence
from typing import Final, NoReturn

from sedano.errors import NotSupported
from sedano.results.group_store import ChordEnd, ChordPart

_CHORDS: Final = (
    "rpc:// cannot count the members of a chord (nor of a group with a task after it): its results are "
    "messages, which only the one who asked can read. Set result_backend to redis://, sqlite:// or django://."
)
_GROUPS: Final = (
    "rpc:// keeps no groups: its results are messages, which only the one who asked can read. Set "
    "result_backend to redis://, sqlite:// or django://."
)


class NoGroups:
    """A ``GroupStore`` that has none."""

    def save(self, group_id: str, document: bytes, *, expires_at: float | None) -> None:
        """As the port says."""
        raise NotSupported(_GROUPS)

    def get(self, group_id: str) -> bytes | None:
        """As the port says."""
        raise NotSupported(_GROUPS)

    def forget(self, group_id: str) -> None:
        """As the port says."""
        raise NotSupported(_GROUPS)

    def begin_chord(self, group_id: str, size: int, *, expires_at: float | None) -> None:
        """As the port says."""
        raise NotSupported(_CHORDS)

    def add_parts(self, parts: Sequence[ChordPart]) -> list[bool]:
        """None of somebody else's chord is complete by what happens here."""
        return [False] * len(parts)

    def has_part(self, part: ChordPart) -> bool:
        """As the port says."""
        return False

    def parts(self, group_id: str) -> NoReturn:
        """As the port says."""
        raise NotSupported(_CHORDS)

    def may_end(self, end: ChordEnd) -> bool:
        """As the port says."""
        return False

    def end_chord(self, end: ChordEnd) -> None:
        """As the port says."""

    def extend_chord(self, group_id: str, members: int, by: str = "") -> None:
        """As the port says."""
        raise NotSupported(_CHORDS)
