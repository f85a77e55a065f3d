"""What depends on what: the tree of a task and those it has started, for looking at and for drawing.

Made by ``AsyncResult.build_graph``; its nodes may be anything that can be hashed. Never asks a store.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from graphlib import TopologicalSorter
from typing import Any, Protocol, TypeAlias, TypeVar

N = TypeVar("N")

Attributes: TypeAlias = Mapping[str, Any]


class Writable(Protocol):
    """Where text can be written, such as an open file."""

    def write(self, text: str, /) -> object: ...


class GraphFormatter:
    """How a graph is drawn, in the words of Graphviz. To be subclassed for other labels and colours.

    Args:
        root: The label of the node that all begins with.
        type: ``digraph`` or ``graph``.
        id: The graph's name.
        scheme: Attributes of every node, such as ``shape="oval"``.
    """

    def __init__(
        self, root: Any = None, type: str = "digraph", id: str = "dependencies", **scheme: Any
    ) -> None:
        self.root = root
        self.type = type
        self.id = id
        self.scheme = {"shape": "box", **scheme}

    def label(self, node: Any) -> Any:
        """What a node is called."""
        return node

    def graph_attributes(self) -> Attributes:
        """Of the graph as a whole."""
        return {} if self.root is None else {"root": self.label(self.root)}

    def node_attributes(self, node: Any, *, is_last: bool) -> Attributes:
        """Of a node; the last ones are those that nothing follows."""
        return {**self.scheme, "style": "filled", "fillcolor": "palegreen1" if is_last else "palegreen3"}

    def edge_attributes(self, node: Any, other: Any) -> Attributes:
        """Of the arrow from a node to one that it depends on."""
        return {}


class DependencyGraph(Iterable[N]):
    """Nodes, and which depend on which others.

    Args:
        it: Pairs of a node and those it depends on.
        formatter: How it is drawn.

    >>> DependencyGraph([("bread", ["dough"]), ("dough", ["flour"]), ("flour", [])]).topsort()
    ['flour', 'dough', 'bread']
    """

    def __init__(
        self, it: Iterable[tuple[N, Iterable[N]]] = (), formatter: GraphFormatter | None = None
    ) -> None:
        self.formatter = formatter or GraphFormatter()
        self.adjacent: dict[N, list[N]] = {}
        self.update(it)

    def add_arc(self, obj: N) -> None:
        """Add a node."""
        self.adjacent.setdefault(obj, [])

    def add_edge(self, A: N, B: N) -> None:
        """Say that the node ``A`` depends on ``B``."""
        self.adjacent[A].append(B)

    def connect(self, graph: "DependencyGraph[N]") -> None:
        """Take in another graph."""
        self.adjacent.update(graph.adjacent)

    def update(self, it: Iterable[tuple[N, Iterable[N]]]) -> None:
        """Add pairs of a node and those it depends on."""
        pairs = [(node, list(others)) for node, others in it]
        for node, _ in pairs:
            self.add_arc(node)
        for node, others in pairs:
            self.adjacent[node] += others

    def topsort(self) -> list[N]:
        """The nodes, each after all those that it depends on.

        Raises:
            graphlib.CycleError: there is no such order.
        """
        return list(TopologicalSorter(self.adjacent).static_order())

    def valency_of(self, obj: N) -> int:
        """How many arrows there are below a node, those that several ways lead to counted several times."""
        others = self.adjacent.get(obj, ())
        return len(others) + sum(map(self.valency_of, others))

    def edges(self) -> Iterator[N]:
        """The nodes that depend on others."""
        return (node for node, others in self.adjacent.items() if others)

    def items(self) -> Iterable[tuple[N, list[N]]]:
        """Each node, and those it depends on."""
        return self.adjacent.items()

    iteritems = items

    def to_dot(self, fh: Writable, formatter: GraphFormatter | None = None) -> None:
        """Write the graph in the language of Graphviz.

        Args:
            fh: Where to.
            formatter: How it is drawn; None means as the graph itself says.
        """
        drawn = formatter or self.formatter
        arrow = "->" if drawn.type == "digraph" else "--"
        lines = [f"graph{_attributes(drawn.graph_attributes())}"]
        for node, others in self.items():
            attributes = drawn.node_attributes(node, is_last=not others)
            lines.append(f"{_quoted(drawn.label(node))}{_attributes(attributes)}")
        for node, others in self.items():
            for other in others:
                ends = f"{_quoted(drawn.label(node))} {arrow} {_quoted(drawn.label(other))}"
                lines.append(ends + _attributes(drawn.edge_attributes(node, other)))
        body = "".join(f"    {line};\n" for line in lines)
        fh.write(f"{drawn.type} {_quoted(drawn.id)} {{\n{body}}}\n")

    def __iter__(self) -> Iterator[N]:
        return iter(self.adjacent)

    def __getitem__(self, node: N) -> list[N]:
        return self.adjacent[node]

    def __len__(self) -> int:
        return len(self.adjacent)

    def __contains__(self, obj: object) -> bool:
        return obj in self.adjacent

    def __repr__(self) -> str:
        return "\n".join(f"{node} -> {', '.join(map(str, others))}" for node, others in self.items())


def _quoted(text: Any) -> str:
    return json.dumps(str(text), ensure_ascii=False)


def _attributes(attributes: Attributes) -> str:
    return " [" + ", ".join(f"{name}={_quoted(value)}" for name, value in attributes.items()) + "]"
