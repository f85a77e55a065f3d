"""Graphs of what depends on what: the same in substance as Celery's."""

import io
from graphlib import CycleError

import pytest
from celery.utils.graph import DependencyGraph as CelerysGraph

from sedano.results.dependency_graph import DependencyGraph, GraphFormatter

PAIRS = [
    ("bread", ["dough", "heat"]),
    ("dough", ["flour", "water"]),
    ("heat", []),
    ("flour", []),
    ("water", []),
]


def test_a_graph_is_celerys() -> None:
    ours, theirs = DependencyGraph(PAIRS), CelerysGraph(PAIRS)

    assert list(ours) == list(theirs)
    assert list(ours.edges()) == list(theirs.edges())
    assert dict(ours.items()) == dict(theirs.items())
    assert [ours.valency_of(node) for node in ours] == [theirs.valency_of(node) for node in theirs]
    assert (len(ours), "heat" in ours, "salt" in ours) == (5, True, False)
    assert sorted(ours.topsort()) == sorted(theirs.topsort())


def test_what_others_depend_on_comes_first() -> None:
    order = DependencyGraph(PAIRS).topsort()

    for node, others in PAIRS:
        assert all(order.index(other) < order.index(node) for other in others)


def test_a_circle_has_no_order() -> None:
    with pytest.raises(CycleError):
        DependencyGraph([("hen", ["egg"]), ("egg", ["hen"])]).topsort()


def test_graphs_are_put_together() -> None:
    graph: DependencyGraph[str] = DependencyGraph()
    graph.add_arc("meal")
    graph.add_arc("meal")
    graph.connect(DependencyGraph(PAIRS))
    graph.add_edge("meal", "bread")

    assert graph["meal"] == ["bread"]
    assert graph.valency_of("meal") == 5
    assert graph.valency_of("unknown") == 0
    assert repr(graph).startswith("meal -> bread\nbread -> dough, heat")


def test_a_graph_is_written_for_graphviz() -> None:
    class Shouting(GraphFormatter):
        def label(self, node: object) -> str:
            return str(node).upper()

    file = io.StringIO()
    DependencyGraph([("a", ['b"']), ('b"', [])], GraphFormatter(root="a", shape="oval")).to_dot(file)
    undirected = io.StringIO()
    DependencyGraph([("a", ["b"]), ("b", [])]).to_dot(undirected, Shouting(type="graph", id="loud"))

    lines = file.getvalue().splitlines()
    assert lines[0] == 'digraph "dependencies" {'
    assert lines[1] == '    graph [root="a"];'
    assert lines[2] == '    "a" [shape="oval", style="filled", fillcolor="palegreen3"];'
    assert lines[4] == r'    "a" -> "b\"" [];'
    assert lines[-1] == "}"
    assert undirected.getvalue().splitlines()[0] == 'graph "loud" {'
    assert '    "A" -- "B" [];' in undirected.getvalue()
