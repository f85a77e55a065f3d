"""Through the trees that results stand in: up to what went before, down to what was started.

Called by ``AsyncResult`` and ``ResultSet``. Never waits.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sedano.errors import IncompleteStream
from sedano.results.dependency_graph import DependencyGraph, GraphFormatter
from sedano.results.result_base import ResultBase
from sedano.results.unfinished import Unfinished

if TYPE_CHECKING:
    from sedano.results.async_result import AsyncResult


def leaves(results: Iterable[ResultBase]) -> "list[AsyncResult[Any]]":
    """The results of single tasks among these and within them."""
    return [leaf for result in results for leaf in result._leaves()]


def lineage(results: Iterable[ResultBase]) -> "list[AsyncResult[Any]]":
    """The tasks before these, the earliest first, each once."""
    found: dict[str, AsyncResult[Any]] = {}
    climbed: set[int] = set()
    for result in results:
        if result.parent is None:
            continue
        steps: list[ResultBase] = []
        for step in result.line()[1:]:
            if id(step) in climbed:
                break
            climbed.add(id(step))
            steps.append(step)
        for leaf in leaves(reversed(steps)):
            found.setdefault(leaf.id, leaf)
    return list(found.values())


def iterdeps(root: ResultBase, intermediate: bool) -> Iterator[tuple[ResultBase | None, ResultBase]]:
    """Each result below this one, with the one it stands under, level by level.

    Raises:
        IncompleteStream: a task has not finished, so that it is not known what it will start.
    """
    line: deque[tuple[ResultBase | None, ResultBase]] = deque([(None, root)])
    while line:
        parent, result = line.popleft()
        yield parent, result
        if result.ready():
            children: Sequence[ResultBase] = result.children or ()
            if len(children) > 1:
                Unfinished(leaves(children)).look()  # together, rather than one by one
            line.extend((result, child) for child in children)
        elif not intermediate:
            raise IncompleteStream(f"{result} has not finished: it may still start other tasks.")


def build_graph(
    root: ResultBase, intermediate: bool, formatter: GraphFormatter | None
) -> DependencyGraph[ResultBase]:
    """The results below this one, as a graph."""
    graph: DependencyGraph[ResultBase] = DependencyGraph(
        formatter=formatter or GraphFormatter(root=root, shape="oval")
    )
    for parent, result in iterdeps(root, intermediate):
        graph.add_arc(result)
        if parent is not None:
            graph.add_edge(parent, result)
    return graph
