"""How signatures are shown to people: ``proj.add(2, 2) | mul(8)``."""

from collections.abc import Iterable, Mapping
from typing import Any


def call(name: str, args: Iterable[Any], kwargs: Mapping[str, Any]) -> str:
    """A call as it would be written in Python."""
    words = [_shown(value) for value in args]
    words += [f"{key}={_shown(value)}" for key, value in kwargs.items()]
    return f"{name}({', '.join(words)})"


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except Exception as error:
        return f"<{type(value).__name__}: repr raised {type(error).__name__}>"


def without_repetition(task_name: str, text: str) -> str:
    """The text with the module of this task written once only."""
    module, dot, _ = task_name.rpartition(".")
    if not module:
        return text
    before, prefix, after = text.partition(module + dot)
    return before + prefix + after.replace(prefix, "") if prefix else text
