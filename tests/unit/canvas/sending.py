"""An application that takes down what is published. Used by the tests of canvas shapes."""

from collections.abc import Mapping
from typing import Any

from sedano import Sedano
from sedano.canvas.plan import Plan


class Notebook(Sedano):
    """Notes plans instead of publishing them."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(
            "notebook", broker="memory://", backend="memory://", set_as_current=False, **settings
        )
        self.plans: list[tuple[Plan, Mapping[str, Any]]] = []

    def publish_plan(self, plan: Plan, options: Mapping[str, Any]) -> None:
        """Note a plan."""
        self.plans.append((plan, options))
