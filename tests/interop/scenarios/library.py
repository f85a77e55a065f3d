"""One library under neutral names: what a scenario is written against, Celery's or ours.

Imported by the application that the workers run, and by the runner. Knows nothing of scenarios.
"""

import importlib
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Library:
    """Celery or Sedano: the modules, and what is in them, under Celery's names."""

    name: str
    top: Any
    canvas: Any
    exceptions: Any
    result: Any
    signals: Any

    def error_name(self, kind: type[BaseException]) -> str:
        """The name of an error's class; Celery's, where ours has another one."""
        if kind.__module__.partition(".")[0] not in ("celery", "sedano", "billiard"):
            return kind.__name__
        aliases = sorted(name for name, one in vars(self.exceptions).items() if one is kind)
        others = [name for name in aliases if name != kind.__name__]
        return others[0] if others and self.name == "sedano" else kind.__name__

    def error(self, error: object) -> Any:
        """An error as data: its name and its arguments."""
        if not isinstance(error, BaseException):
            return error
        return {"error": self.error_name(type(error)), "args": list(error.args)}


def library(name: str) -> Library:
    """Import one of the two."""
    return Library(
        name=name,
        top=importlib.import_module(name),
        canvas=importlib.import_module(f"{name}.canvas"),
        exceptions=importlib.import_module(f"{name}.exceptions"),
        result=importlib.import_module(f"{name}.result"),
        signals=importlib.import_module(f"{name}.signals"),
    )
