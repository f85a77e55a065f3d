"""What is decided of a signature before it is published: its id, and its place in the workflow around it.

Used by the shapes when they freeze. Holds values only; where ids come from is handed in.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from sedano import ids
from sedano.results.async_result import AsyncResult
from sedano.results.group_result import GroupResult
from sedano.results.result_base import ResultBase

if TYPE_CHECKING:
    from sedano.canvas.signature import Signature

#: What a caller holds of a published signature.
Result: TypeAlias = AsyncResult[Any] | GroupResult


class Place(NamedTuple):
    """Where a signature stands in its workflow. What is None is left as it is."""

    id: str | None = None
    group_id: str | None = None
    #: The body of the chord whose header this belongs to.
    chord: "Signature[Any] | None" = None
    root_id: str | None = None
    parent_id: str | None = None
    group_index: int | None = None


class Naming:
    """Gives out ids. One for each freeze or plan."""

    def __init__(self, new_id: Callable[[], str] = ids.task_id, reply_to: str | None = None) -> None:
        self.new_id = new_id
        #: Who is to hear of the results; this process, unless somebody else asked.
        self.reply_to = reply_to or ids.reply_address()


def put_after(result: ResultBase, before: ResultBase | None) -> None:
    """Let a line of results begin after another result."""
    first = result.line()[-1]
    assert isinstance(first, AsyncResult | GroupResult)
    first.parent = before
