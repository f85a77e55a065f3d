"""What the result of one task and those of many have in common: a place in a tree of results.

For ``isinstance``, and for those who walk such a tree. Never asks a store.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from sedano.results.async_result import AsyncResult

#: A result's place in Celery's form: ``((id, parent or None), members or None)``.
ResultTuple: TypeAlias = tuple[tuple[Any, Any], "list[Any] | None"]


class ResultBase(ABC):
    """``AsyncResult``, ``ResultSet``, and what is made of them."""

    __slots__ = ()

    #: The result of what went before: of the step before this one, or of the header of this chord.
    parent: "ResultBase | None"

    @property
    @abstractmethod
    def children(self) -> "Sequence[ResultBase] | None":
        """The results below this one."""

    @abstractmethod
    def ready(self) -> bool:
        """Whether everything in it has finished, well or badly."""

    @abstractmethod
    def get(self, *args: Any, **options: Any) -> Any:
        """Wait for it."""

    @abstractmethod
    def forget(self) -> None:
        """Delete what is stored of it."""

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

    @abstractmethod
    def _as_tuple(self, parent: ResultTuple | None) -> ResultTuple:
        """In the form of ``as_tuple``."""

    @abstractmethod
    def _leaves(self) -> "Iterator[AsyncResult[Any]]":
        """The results of single tasks in it."""

    @abstractmethod
    def _value(self) -> Any:
        """What it is known to have returned: a list for several; None where nothing is known."""
