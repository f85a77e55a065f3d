"""Takes each measure of each contender in turn, several times over, and keeps the medians.

Rounds are interleaved (ours, theirs, ours, theirs ...), so that a change in the machine's load falls on all.
"""

import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contender import SEDANO, Contender
from benchmarks.measures.measure import Measure
from benchmarks.setting import Setting
from benchmarks.trial import Trial


@dataclass(frozen=True, slots=True)
class Comparison:
    """The figures of one measure, by contender; one a round."""

    measure: Measure
    figures: dict[str, list[float]]

    def median(self, contender: str) -> float | None:
        """The contender's median; None if it was not measured."""
        taken = self.figures.get(contender)
        return statistics.median(taken) if taken else None

    def ratio(self, contender: str) -> float | None:
        """How many times as good Sedano is as the contender."""
        ours, theirs = self.median(SEDANO.name), self.median(contender)
        return self.measure.ratio(ours, theirs) if ours and theirs and min(ours, theirs) > 0 else None

    def promises(self) -> dict[str, bool | None]:
        """What is promised, and whether it is kept; None where it was not measured."""
        kept: dict[str, bool | None] = {}
        if self.measure.promised_figure is not None:
            ours = self.median(SEDANO.name)
            sign = ">=" if self.measure.higher_is_better else "<="
            kept[f"{sign} {self.measure.promised_figure:g}"] = (
                None if ours is None else self.measure.keeps_figure(ours)
            )
        for name, promised in self.measure.promised_ratios.items():
            ratio = self.ratio(name)
            kept[f">= {promised:g} x {name}"] = None if ratio is None else ratio >= promised
        return kept


def compare(
    measure: Measure,
    setting: Setting,
    contenders: Sequence[Contender],
    *,
    rounds: int,
    quick: bool,
    tell: Callable[[str], None],
) -> Comparison:
    """Take the measure of every contender, in so many rounds; each time with a fresh server and folder."""
    taking_part = [each for each in contenders if not measure.among or each.name in measure.among]
    figures: dict[str, list[float]] = {contender.name: [] for contender in taking_part}
    rounds *= measure.repeats
    for round_number in range(1, rounds + 1):
        for contender in taking_part:
            with (
                tempfile.TemporaryDirectory(prefix="sedano-bench-") as name,
                setting.serve(folder := Path(name)) as server,
            ):
                figure = measure.take(
                    Trial(
                        contender=contender,
                        server=server,
                        folder=folder,
                        quick=quick,
                        store_results=measure.store_results,
                    )
                )
            figures[contender.name].append(figure)
            tell(f"{measure.name}: round {round_number} of {rounds}, {contender.name}: {figure:,.2f}")
    return Comparison(measure, figures)
