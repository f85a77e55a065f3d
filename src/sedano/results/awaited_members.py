"""Which members of a set are complete: a group among them is when all of its tasks have ended.

Used by ``ResultSet``.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sedano.results.result_base import ResultBase

if TYPE_CHECKING:
    from sedano.results.async_result import AsyncResult


class AwaitedMembers:
    """The members that are waited for."""

    def __init__(self, members: Sequence[ResultBase]) -> None:
        #: Those that hold no task.
        self.complete: list[ResultBase] = []
        self._open: dict[int, list[ResultBase]] = {}
        self._left: dict[int, int] = {}
        for member in members:
            leaves = list(member._leaves())
            if not leaves:
                self.complete.append(member)
            self._left[id(member)] = len(leaves)
            for leaf in leaves:
                self._open.setdefault(id(leaf), []).append(member)

    def end(self, leaf: "AsyncResult[Any]") -> Iterator[ResultBase]:
        """A task has ended; the members that are complete by that."""
        for member in self._open.pop(id(leaf), ()):
            self._left[id(member)] -= 1
            if not self._left[id(member)]:
                yield member
