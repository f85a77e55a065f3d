"""Groups and chords in Redis or Valkey, under Celery's keys: workers of both count the members of one chord.

Used as ``RedisResultStore.groups``. Never looks into a document. All keys of a chord are of one slot, so what
is done to one chord is one step in a cluster as well.
"""

from collections.abc import Sequence
from typing import Any, Final

from sedano.clock import Clock
from sedano.redis.link import ScriptRun
from sedano.redis.links import Link
from sedano.results.group_store import ChordEnd, ChordPart
from sedano.results.redis.chord_parts import script_part
from sedano.results.redis.chord_scripts import ADD_PARTS, END_CHORD, EXTEND_CHORD, MAY_END
from sedano.results.redis.expiry import milliseconds_left
from sedano.results.redis.result_keys import ResultKeys

#: Members in one call of the script: a longer one would keep other clients waiting.
_BATCH: Final = 100


class RedisGroups:
    """A ``GroupStore``.

    Args:
        ordered: Parts lie in a sorted set, by their index, rather than in a list as they came. Celery's
            option ``result_chord_ordered``.
    """

    def __init__(self, link: Link, keys: ResultKeys, clock: Clock, *, ordered: bool) -> None:
        self._link = link
        self._keys = keys
        self._clock = clock
        self._ordered = ordered

    # -- saved groups

    def save(self, group_id: str, document: bytes, *, expires_at: float | None) -> None:
        self._link.call(*self.saving(group_id, document, expires_at))

    def saving(self, group_id: str, document: bytes, expires_at: float | None) -> tuple[Any, ...]:
        """The command that saves a group."""
        return "SET", self._keys.of_group(group_id), document, *self._until(expires_at)

    def get(self, group_id: str) -> bytes | None:
        document: bytes | None = self._link.call("GET", self._keys.of_group(group_id))
        return document

    def forget(self, group_id: str) -> None:
        self._link.call("DEL", self._keys.of_group(group_id))

    # -- chords

    def begin_chord(self, group_id: str, size: int, *, expires_at: float | None) -> None:
        self._link.transaction(self.beginning(group_id, size, expires_at))

    def beginning(self, group_id: str, size: int, expires_at: float | None) -> list[tuple[Any, ...]]:
        """The commands that begin a chord, if done in one step."""
        _, _, _, size_key, _, claim = self._keys.of_chord(group_id)
        # As Celery does: members that were counted stay; whoever was about to end it has to look again.
        return [("DEL", claim), ("SET", size_key, size, *self._until(expires_at))]

    def add_parts(self, parts: Sequence[ChordPart]) -> list[bool]:
        completed: list[bool] = []
        for start in range(0, len(parts), _BATCH):
            completed += self._add_batch(parts[start : start + _BATCH])
        return completed

    def _add_batch(self, parts: Sequence[ChordPart]) -> list[bool]:
        now = self._clock.timestamp()
        runs = [
            ScriptRun(
                ADD_PARTS,
                self._keys.of_chord(part.group_id),
                script_part(part, ordered=self._ordered, now=now),
            )
            for part in parts
        ]
        if self._link.is_one_server:
            keys = [key for run in runs for key in run.keys]
            arguments = [argument for run in runs for argument in run.arguments]
            return [bool(one) for one in self._link.run(ADD_PARTS, keys, arguments)]
        return [bool(one) for (one,) in self._link.run_many(runs)]

    def has_part(self, part: ChordPart) -> bool:
        _, _, _, _, members, claim = self._keys.of_chord(part.group_id)
        counted, ending = self._link.pipeline([("SISMEMBER", members, part.member), ("GET", claim)])
        # Once it has ended nobody knows who its members were: all were counted.
        return bool(counted) or ending == b"done"

    def parts(self, group_id: str) -> list[bytes]:
        parts = self._keys.of_chord(group_id)[1]
        # A sorted set or a list: as whoever counted the first member has begun it.
        reading = "LRANGE" if self._link.call("TYPE", parts) == b"list" else "ZRANGE"
        documents: list[bytes] = self._link.call(reading, parts, 0, -1)
        return [document.rstrip(b" ") for document in documents]

    def may_end(self, end: ChordEnd) -> bool:
        return bool(self._link.run(MAY_END, self._keys.of_chord(end.group_id), (end.member,)))

    def end_chord(self, end: ChordEnd) -> None:
        self._link.run(END_CHORD, self._keys.of_chord(end.group_id), (end.member,))

    def extend_chord(self, group_id: str, members: int, by: str = "") -> None:
        self._link.run(EXTEND_CHORD, self._keys.of_chord(group_id), (members, by))

    def _until(self, expires_at: float | None) -> tuple[str | int, ...]:
        milliseconds = milliseconds_left(expires_at, self._clock.timestamp())
        return ("PX", milliseconds) if milliseconds else ()
