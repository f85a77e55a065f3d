"""Takes each measure of each contender in turn, several times over, and keeps the medians.

Rounds are interleaved (ours, theirs, ours, theirs ...), so that a change in the machine's load falls on both.
"""

import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contender import SEDANO, Contender
from benchmarks.measures.measure import Measure


@dataclass(frozen=True, slots=True)
class Comparison:
    """The figures of one measure, by contender; one a round."""

    measure: Measure
    figures: dict[str, list[float]]

    def median(self, contender: str) -> float | None:
        """The contender's median; None if it was not measured."""
        taken = self.figures.get(contender)
        return statistics.median(taken) if taken else None

    @property
    def ratio(self) -> float | None:
        """How many times as good Sedano is as the other: more is better, whatever the unit."""
        ours, theirs = self.median(SEDANO.name), self._other
        if not ours or not theirs:
            return None
        return ours / theirs if self.measure.higher_is_better else theirs / ours

    @property
    def keeps_promise(self) -> bool | None:
        """Whether Sedano's figure is what is promised."""
        ours = self.median(SEDANO.name)
        return None if ours is None else self.measure.keeps_promise(ours, self._other)

    @property
    def _other(self) -> float | None:
        return next((self.median(name) for name in self.figures if name != SEDANO.name), None)


def compare(
    measure: Measure,
    contenders: Sequence[Contender],
    *,
    rounds: int,
    quick: bool,
    tell: Callable[[str], None],
) -> Comparison:
    """Take the measure of every contender, ``rounds`` times; each time in a fresh folder."""
    figures: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for round_number in range(1, rounds + 1):
        for contender in contenders:
            tell(f"{measure.name}: round {round_number} of {rounds}, {contender.name}")
            with tempfile.TemporaryDirectory(prefix="sedano-bench-") as folder:
                figures[contender.name].append(measure.take(contender, Path(folder), quick))
    return Comparison(measure, figures)
