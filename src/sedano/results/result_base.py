"""What the result of one task and those of many have in common: a place in a tree of results.

For ``isinstance``, and for those who walk such a tree. Never asks a store.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from sedano.results.async_result import AsyncResult

#: A result's place in Celery's form: ``((id, parent or None), members or None)``.
ResultTuple: TypeAlias = tuple[tuple[Any, Any], "list[Any] | None"]


class ResultBase:
    """``AsyncResult``, ``ResultSet``, and what is made of them."""

    __slots__ = ()

    #: The result of what went before: of the step before this one, or of the header of this chord.
    parent: "ResultBase | None"

    @property
    def children(self) -> "Sequence[ResultBase] | None":
        """The results below this one."""
        raise NotImplementedError

    def ready(self) -> bool:
        """Whether everything in it has finished, well or badly."""
        raise NotImplementedError

    def get(self, *args: Any, **options: Any) -> Any:
        """Wait for it."""
        raise NotImplementedError

    def forget(self) -> None:
        """Delete what is stored of it."""
        raise NotImplementedError

    def as_tuple(self) -> ResultTuple:
        """The id, the parents, and the members, in Celery's form; ``result_from_tuple`` reads it.

        >>> from sedano import AsyncResult
        >>> AsyncResult("2", parent=AsyncResult("1")).as_tuple()
        (('2', (('1', None), None)), None)
        """
        line = self.line()
        shown: ResultTuple | None = None
        for result in reversed(line[1:]):
            shown = result._as_tuple(shown)
        return line[0]._as_tuple(shown)

    def line(self) -> "list[ResultBase]":
        """This result, its parent, the parent's parent, and so on."""
        line: list[ResultBase] = [self]
        while (parent := line[-1].parent) is not None:
            line.append(parent)
        return line

    def _as_tuple(self, parent: ResultTuple | None) -> ResultTuple:
        raise NotImplementedError

    def _leaves(self) -> "Iterator[AsyncResult[Any]]":
        """The results of single tasks in it."""
        raise NotImplementedError

    def _value(self) -> Any:
        """What it is known to have returned: a list for several; None where nothing is known."""
        raise NotImplementedError
