"""What a measure is: one number about one contender, and what it should be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from benchmarks.trial import Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One measure: its name, its unit, its target, and the function that takes it once."""

    name: str
    unit: str
    higher_is_better: bool
    take: Callable[[Trial], float]
    #: Whether the contenders store their tasks' results.
    store_results: bool = False
    #: How often it is taken in each round: more than once what is quick to take and varies much.
    repeats: int = 1
    #: The contenders that take part; empty: all do.
    among: tuple[str, ...] = ()
    #: How many times as good as the named contender Sedano is to be.
    promised_ratios: Mapping[str, float] = field(default_factory=dict)
    #: The figure itself that is promised, in the unit above.
    promised_figure: float | None = None

    def ratio(self, ours: float, theirs: float) -> float:
        """How many times as good ours is: more is better, whatever the unit."""
        return ours / theirs if self.higher_is_better else theirs / ours

    def keeps_figure(self, ours: float) -> bool:
        """Whether the figure is what is promised."""
        assert self.promised_figure is not None
        return ours >= self.promised_figure if self.higher_is_better else ours <= self.promised_figure
