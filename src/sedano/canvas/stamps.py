"""How stamps that meet on one signature are brought together, as Celery does it.

Used by signatures and shapes. Stamps are options; ``stamped_headers`` names those that are stamps.
"""

from collections.abc import Mapping
from typing import Any, Final

NAMES: Final = "stamped_headers"


def merged(
    headers: Mapping[str, Any],
    more: Mapping[str, Any] | None = None,
    *,
    append: bool,
    own: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """All stamps: those handed down, a visitor's, and those that are there.

    Args:
        headers: Handed down; they win, unless ``append``.
        more: What a visitor gave.
        append: Where two stamps have one name, keep both, as a list.
        own: The options of the signature that is being stamped.
    """
    result = _with_names(headers)
    if more is not None:
        result = _laid_under(result, _with_names(more), append)
        result[NAMES] = list(dict.fromkeys(result[NAMES]))
    if own is not None:
        names = dict.fromkeys([*result[NAMES], *own.get(NAMES, ())])
        result[NAMES] = list(names)
        result = _laid_under(result, {name: own[name] for name in names if name in own}, append)
    return result


def _with_names(headers: Mapping[str, Any]) -> dict[str, Any]:
    return dict(headers) if NAMES in headers else {**headers, NAMES: list(headers)}


def _laid_under(upper: Mapping[str, Any], lower: Mapping[str, Any], append: bool) -> dict[str, Any]:
    both = {name: _together(upper[name], lower[name], append) for name in upper.keys() & lower.keys()}
    return {**lower, **upper, **both}


def _together(upper: Any, lower: Any, append: bool) -> Any:
    if isinstance(upper, Mapping):
        return _laid_under(upper, lower, append) if isinstance(lower, Mapping) else upper
    if append and not isinstance(upper, list):
        upper = [] if upper is None else list(upper) if isinstance(upper, tuple | set) else [upper]
    if isinstance(upper, list) and isinstance(lower, list):
        return upper + lower
    return [*upper, lower] if append else upper
