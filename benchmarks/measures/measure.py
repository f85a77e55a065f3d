"""What a measure is: one number about one contender, and what it should be."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contender import Contender


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One measure: its name, its unit, its target, and the function that takes it once."""

    name: str
    unit: str
    higher_is_better: bool
    #: The contender, an empty folder of its own, and whether to be quick about it.
    take: Callable[[Contender, Path, bool], float]
    #: Sedano's share of the other's figure (a rate) that is promised; None: no ratio is.
    promised_ratio: float | None = None
    #: The figure itself that is promised, in the unit above.
    promised_figure: float | None = None

    def keeps_promise(self, figure: float, other: float | None) -> bool | None:
        """Whether what is promised holds; None where nothing is promised or there is nothing to compare."""
        if self.promised_figure is not None:
            return figure >= self.promised_figure if self.higher_is_better else figure <= self.promised_figure
        if self.promised_ratio is not None and other:
            return figure / other >= self.promised_ratio
        return None
