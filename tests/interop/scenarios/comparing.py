"""Where two plays differ. Used by the test; ``python -m tests.interop.scenarios.comparing A B`` shows it."""

import fnmatch
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Deviation(NamedTuple):
    """One value that is not the same."""

    scenario: str
    path: str
    theirs: Any
    ours: Any

    def __str__(self) -> str:
        return f"{self.scenario}: {self.path}\n    {self.theirs!r}\n    {self.ours!r}"


#: What one side does not say.
NOTHING = "(nothing)"


def deviations(theirs: Any, ours: Any, scenario: str = "", path: str = "") -> Iterator[Deviation]:
    """Every value that differs between two transcripts; parts that are on one side only as a whole."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for name in sorted({*theirs, *ours}):
            found = theirs.get(name, NOTHING), ours.get(name, NOTHING)
            yield from deviations(*found, scenario or name, f"{path}/{name}" if scenario else "")
    elif _are_of_a_kind(theirs, ours):
        for number, (one, other) in enumerate(zip(theirs, ours, strict=True)):
            yield from deviations(one[1], other[1], scenario, f"{path}/{number}:{one[0]}")
    elif theirs != ours:
        yield Deviation(scenario, path, theirs, ours)


def _are_of_a_kind(theirs: Any, ours: Any) -> bool:
    """Whether both list the same kinds of events: these are compared one by one."""
    return bool(theirs) and _kinds(theirs) == _kinds(ours) is not None


def _kinds(events: Any) -> list[str] | None:
    if not isinstance(events, list):
        return None
    if not all(isinstance(one, list) and len(one) == 2 and isinstance(one[1], dict) for one in events):
        return None
    return [one[0] for one in events]


def load(folder: str) -> dict[str, Any]:
    """The transcripts of a play."""
    told: dict[str, Any] = json.loads((Path(folder) / "transcripts.json").read_text())
    return told


def main(theirs: str, ours: str, wanted: Sequence[str]) -> None:
    """Print where two plays differ."""
    for one in deviations(load(theirs), load(ours)):
        if not wanted or any(fnmatch.fnmatch(one.scenario, pattern) for pattern in wanted):
            print(one)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
