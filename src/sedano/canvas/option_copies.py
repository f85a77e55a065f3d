"""Copies of what signatures hold, so that changing a clone leaves the original alone."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

#: Options that a shape takes for itself; what else is set on it goes to what it publishes.
LOCAL: Final = frozenset({"add_to_parent", "on_commit"})

#: What a chain takes for itself, whoever publishes it; its other options are its first step's.
OF_CHAINS: Final = frozenset(
    {"chord", "group_id", "group_index", "link", "link_error", "parent_id", "root_id", "task_id"}
)


def copied(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a clone. Callbacks are cloned; the body of a chord is shared."""
    return {name: _copied_value(value) if name != "chord" else value for name, value in options.items()}


def _copied_value(value: Any) -> Any:
    clone = getattr(value, "clone", None)
    if clone is not None:
        return clone()
    if type(value) is list:
        return [_copied_value(each) for each in value]
    return dict(value) if type(value) is dict else value


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are not None."""
    return {name: value for name, value in options.items() if value is not None}


def as_list(value: Any) -> list[Any]:
    """One callback or several, as a list."""
    if value is None:
        return []
    if isinstance(value, Iterable) and not isinstance(value, Mapping | str):
        return list(value)
    return [value]
