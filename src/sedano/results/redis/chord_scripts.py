"""The scripts that count the members of chords; ``chord.lua`` is what they have in common."""

from typing import Final

from sedano.redis.script import Script, load_script


def _load(name: str) -> Script:
    return load_script(__package__, "sedano.redis:chord.lua", name)


ADD_PARTS: Final = _load("add_parts.lua")
END_CHORD: Final = _load("end_chord.lua")
EXTEND_CHORD: Final = _load("extend_chord.lua")
MAY_END: Final = _load("may_end.lua")

#: What a server is given before it is needed.
CHORD_SCRIPTS: Final = (ADD_PARTS, END_CHORD, EXTEND_CHORD, MAY_END)
