"""From a result's tuple, as Celery writes it, back to the result."""

from collections.abc import Sequence
from typing import Any

from sedano.errors import ResultStoreError
from sedano.results.result_base import ResultBase
from sedano.results.result_source import ResultSource


def read_result(written: Any, source: ResultSource) -> ResultBase:
    """The result that a tuple stands for, with its parents and members; a result stands for itself.

    Raises:
        ResultStoreError: it is no such tuple.
    """
    # From the last to the first: a chain may be long, and each step stands inside the one after it.
    line: list[tuple[str, list[ResultBase] | None]] = []
    parent: ResultBase | None = None
    while written:
        if isinstance(written, ResultBase):
            parent = written
            break
        id, written, members = _parts(written)
        line.append((id, None if members is None else [read_result(member, source) for member in members]))
    for id, members in reversed(line):
        parent = source.result_of(id, members, parent=parent)
    if parent is None:
        raise _no_tuple(written)
    return parent


def _parts(written: Any) -> tuple[str, Any, Sequence[Any] | None]:
    try:
        place, members = written
        id, parent = place if isinstance(place, list | tuple) else (place, None)
    except (TypeError, ValueError) as error:
        raise _no_tuple(written) from error
    return id, parent, members


def _no_tuple(written: Any) -> ResultStoreError:
    return ResultStoreError(f"It is no result of a task or a group: {str(written)[:80]}")
