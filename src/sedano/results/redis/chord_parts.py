"""The ends of a chord's members in the form in which scripts take them.

Called by ``RedisGroups`` and, for a broker's script, by ``RedisJointGroups``. Never touches a server.
"""

from typing import NamedTuple

from sedano.results.group_store import ChordPart
from sedano.results.redis.expiry import milliseconds_left


class ScriptPart(NamedTuple):
    """As ``add_part`` of ``chord.lua`` takes it, behind the key of its chord's group."""

    document: bytes
    member: str
    #: Its place among the parts.
    score: str
    #: 1 if parts are kept by their score, 0 if as they come; of a chord that has some, all are kept alike.
    ordered: int
    #: How long the chord is kept from now on; 0: as long as it is.
    milliseconds: int


def script_part(part: ChordPart, *, ordered: bool, now: float) -> ScriptPart:
    """One of them."""
    score = "+inf" if part.index is None else str(part.index)
    milliseconds = milliseconds_left(part.expires_at, now)
    return ScriptPart(part.document, part.member, score, int(ordered), milliseconds)
