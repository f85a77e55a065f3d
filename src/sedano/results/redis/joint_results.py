"""Results and chords in the form in which the Redis broker's script settles with them.

Handed to ``RedisLease`` by ``RedisResultStore.joint_with``. Never touches a server: what is added here is
carried out by the broker's script, which has ``store_result.lua`` and ``chord.lua`` in front.
"""

from collections.abc import Sequence
from typing import TypeAlias

from sedano.clock import Clock
from sedano.results.group_store import ChordEnd, ChordPart, JointGroups
from sedano.results.redis.chord_parts import ScriptPart, script_part
from sedano.results.redis.expiry import milliseconds_left
from sedano.results.redis.result_keys import ResultKeys
from sedano.results.redis.result_server import ScriptResult
from sedano.results.result_write import ResultWrite

#: A chord, by the key of its group, and what happens to it.
ScriptExtension: TypeAlias = tuple[bytes, int, str]
ScriptChordPart: TypeAlias = tuple[bytes, ScriptPart]
ScriptChordEnd: TypeAlias = tuple[bytes, str]


class RedisJointResults:
    """A ``JointResults``, whose transactions are lists: what they hold goes to the script."""

    def __init__(self, keys: ResultKeys, clock: Clock, *, ordered: bool) -> None:
        self._keys = keys
        self._clock = clock
        self.groups: JointGroups = RedisJointGroups(keys, clock, ordered=ordered)

    def write(self, transaction: list[ScriptResult], writes: Sequence[ResultWrite]) -> None:
        """Add results."""
        now = self._clock.timestamp()
        for write in writes:
            key = self._keys.of_task(write.task_id)
            milliseconds = milliseconds_left(write.expires_at, now)
            state = "" if tells_its_state(write.document) else write.state
            transaction.append((key, write.document, milliseconds, state))


def tells_its_state(document: bytes) -> bool:
    """Whether ``store_result.lua`` can read its state: not where a serializer of the user's own wrote it."""
    return b"status" in document[:23] or b"\nstatus: " in document


class RedisJointGroups:
    """A ``JointGroups``. Which chord is complete, and who may end it, is told by the script alone."""

    def __init__(self, keys: ResultKeys, clock: Clock, *, ordered: bool) -> None:
        self._keys = keys
        self._clock = clock
        self._ordered = ordered

    def extend_chord(
        self, transaction: list[ScriptExtension], group_id: str, members: int, by: str = ""
    ) -> None:
        """Add an extension."""
        transaction.append((self._keys.of_group(group_id), members, by))

    def add_parts(self, transaction: list[ScriptChordPart], parts: Sequence[ChordPart]) -> list[bool]:
        """Add parts."""
        now = self._clock.timestamp()
        transaction += [
            (self._keys.of_group(part.group_id), script_part(part, ordered=self._ordered, now=now))
            for part in parts
        ]
        return []

    def has_part(self, transaction: object, part: ChordPart) -> bool:
        """Looked up by the script itself."""
        return False

    def is_to_end(self, transaction: object, part: ChordPart) -> bool:
        """The script looks at the message instead."""
        return False

    def take_end(self, transaction: list[ScriptChordEnd], end: ChordEnd) -> bool:
        """Add an end."""
        transaction.append((self._keys.of_group(end.group_id), end.member))
        return True
