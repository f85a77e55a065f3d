"""What a difference on purpose is, and which deviations it explains. The differences themselves are in
``differences_sent`` (in workers) and ``differences_here`` (where tasks run eagerly).
"""

import fnmatch
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from tests.interop.scenarios.comparing import Deviation

#: Any value.
ANY: Final = object()


class Place(NamedTuple):
    """Where a difference shows: patterns of scenarios (several, with commas between) and of paths.

    And the values, if they are to be these.
    """

    scenario: str
    path: str
    theirs: Any = ANY
    ours: Any = ANY

    def holds(self, one: Deviation) -> bool:
        """Whether this deviation is one of those."""
        return (
            any(fnmatch.fnmatchcase(one.scenario, pattern) for pattern in self.scenario.split(", "))
            and fnmatch.fnmatchcase(one.path, self.path)
            and self.theirs in (ANY, one.theirs)
            and self.ours in (ANY, one.ours)
        )


class Difference(NamedTuple):
    """One thing that is not as in Celery: a row of the table in docs/from-celery.md."""

    celery: str
    sedano: str
    places: tuple[Place, ...]

    @property
    def row(self) -> str:
        """As it stands there."""
        return f"| {self.celery} | {self.sedano} |"


def explain(
    deviations: Iterable[Deviation], differences: Iterable[Difference]
) -> tuple[list[Deviation], list[Place]]:
    """What no difference explains; and the places that explain nothing."""
    places = [place for difference in differences for place in difference.places]
    unexplained: list[Deviation] = []
    needed: set[int] = set()
    for one in deviations:
        found = {number for number, place in enumerate(places) if place.holds(one)}
        needed |= found
        if not found:
            unexplained.append(one)
    return unexplained, [place for number, place in enumerate(places) if number not in needed]
