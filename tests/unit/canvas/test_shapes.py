"""Chains, groups, chords and maps: how they are made, and what ``|`` makes of them."""

from typing import Any

import pytest

from sedano import Sedano
from sedano.canvas import Signature, chain, chord, chunks, group, signature, xmap, xstarmap


def call(name: str, *args: Any) -> Signature[Any]:
    return signature(name, args=args)


A, B, C, D = (call(name) for name in "abcd")


def shape(sig: Any) -> Any:
    """A workflow as text: ``a | (b, c)``, ``[a, b] -> c``."""
    match sig.subtask_type:
        case "chain":
            return " | ".join(map(shape, sig.tasks)) or "nothing"
        case "group":
            return f"({', '.join(map(shape, sig.tasks))})"
        case "chord":
            return f"[{', '.join(map(shape, sig._members()))}] -> {shape(sig.body)}"
        case _:
            return sig.task


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (A | B, "a | b"),
        (A | B | C, "a | b | c"),
        (A | (B | C), "a | b | c"),
        ((A | B) | (C | D), "a | b | c | d"),
        (A | group(B, C), "a | (b, c)"),
        (A | group(B), "a | b"),
        (A | B | group(), "a | b"),
        (group(A, B) | group(), "(a, b)"),
        (group(A, B) | C, "[a, b] -> c"),
        (group(A, B) | group(C, D), "[a, b] -> (c, d)"),
        (A | group(B, C) | D, "a | [b, c] -> d"),
        (group(A, B) | C | D, "[a, b] -> c | d"),
        (chord([A, B], C) | D, "[a, b] -> c | d"),
        (chord([A, B], C) | chord([C], D), "[a, b] -> c | [c] -> d"),
        (A | chord([B], C) | D, "a | [b] -> c | d"),
        (chain(A, group(B, C), D), "a | [b, c] -> d"),
        (chain(group(A, B), C), "[a, b] -> c"),
        (chain([A, B]), "a | b"),
        (chain(name for name in (A, B)), "a | b"),
        (chain(), "nothing"),
        (chain(A), "a"),
        (chain(dict(A), dict(B)), "a | b"),
        (group([A, B]), "(a, b)"),
        (group(A, B), "(a, b)"),
        (group(name for name in (A, B)), "(a, b)"),
        (group(group(A, B)), "(a, b)"),
        (group([dict(A)]), "(a)"),
        (group(), "()"),
        (chord((A, B), C), "[a, b] -> c"),
        (chord(group(A, B), C), "[a, b] -> c"),
        (chord((name for name in (A, B)), dict(C)), "[a, b] -> c"),
    ],
)
def test_signatures_join_as_celery_joins_them(made: Any, expected: str) -> None:
    assert shape(made) == expected


def test_what_chain_makes_of_groups_is_no_chain() -> None:
    assert type(chain([group(A, B)])) is group
    assert type(chain(group(A, B), C)) is chord
    assert isinstance(A | B, chain)


def test_what_is_no_signature_joins_nothing() -> None:
    for left in (A, A | B, group(A, B), chord([A], B)):
        with pytest.raises(TypeError):
            left | 3
    with pytest.raises(TypeError, match="made of signatures"):
        group([A, 3])


def test_joining_leaves_both_sides_as_they_were() -> None:
    left, right = A | group(B, C), B | C

    left | right
    chain(left, right, D)

    assert shape(left) == "a | (b, c)"
    assert shape(right) == "b | c"


def test_callbacks_of_a_chain_stay_with_it_when_more_follows() -> None:
    first = A | B
    first.link(call("called"))
    first.link_error(call("erred"))

    steps = (first | C).tasks

    assert [step.options.get("link") for step in steps] == [None, [call("called")], None]
    assert [step.options.get("link_error") for step in steps] == [[call("erred")], [call("erred")], None]


def test_a_group_links_its_first_member_and_errbacks_of_all() -> None:
    pair = group(A.clone(), B.clone())

    pair.link(call("called", 1))
    pair.link_error(call("erred"))

    assert [task.options.get("link") for task in pair.tasks] == [
        [call("called", 1).set(immutable=True)],
        None,
    ]
    assert [task.options["link_error"] for task in pair.tasks] == [[call("erred")], [call("erred")]]


def test_a_chord_links_its_body() -> None:
    made = chord([A, chord([B], C)], D.clone())

    made.link(call("called"))
    made.link_error(call("erred"))

    assert made.body.options == {"link": [call("called")], "link_error": [call("erred")]}
    assert [task.options for task in made.tasks] == [{}, {}]
    assert made.tasks[1].body.options == {"link_error": [call("erred")]}


def test_members_are_made_immutable_and_skewed_together() -> None:
    three = group(A.clone(), B.clone(), C.clone())

    three.set_immutable(True)
    three.skew(start=1, step=2, stop=4)

    assert [task.immutable for task in three.tasks] == [True, True, True]
    assert [task.options["countdown"] for task in three.tasks] == [1, 3, 4]


def test_workflows_read_as_they_are_written() -> None:
    assert repr(signature("proj.a", args=(1,)) | signature("proj.b")) == "proj.a(1) | b()"
    assert repr(group(signature("proj.a"), signature("proj.b"))) == "group([proj.a(), b()])"
    assert repr(group()) == "group(<empty>)"
    assert repr(chord([A], B)) == "%b([a()])"
    assert repr(chord([A], B | C)) == "%b([a()]) | c()".replace("%b([a()]) | c()", "%(b([a()]) | c())")
    assert repr(xmap(A, [1])) == "[a(x) for x in [1]]"
    assert repr(xstarmap(A, [(1,)])) == "[a(*x) for x in [(1,)]]"


def test_maps_are_calls_of_celerys_tasks() -> None:
    assert dict(xmap(A, range(2))) == {
        "task": "celery.map",
        "args": (),
        "kwargs": {"task": A, "it": [0, 1]},
        "options": {},
        "subtask_type": None,
        "immutable": True,
    }
    assert xstarmap(A, [(1,)]).task == "celery.starmap"
    assert chunks(A, range(3), 2).kwargs == {"task": A, "it": [0, 1, 2], "n": 2}


def test_chunks_are_a_group_of_starmaps() -> None:
    parts = chunks(A, [(1,), (2,), (3,)], 2, queue="q").group()

    assert [part.kwargs["it"] for part in parts.tasks] == [[(1,), (2,)], [(3,)]]
    assert parts.options == {"queue": "q"}


def test_the_length_of_a_header_counts_through_all_levels() -> None:
    header = [A, group(A, B), A | group(B, C), chord([A, B], C), chain(A, B)]

    assert chord(header, D).__length_hint__() == 1 + 2 + 2 + 1 + 1


def test_a_header_may_be_of_tasks_themselves() -> None:
    app = Sedano("proj", broker="memory://", set_as_current=False)

    @app.task(name="tick")
    def tick() -> None: ...

    assert shape(chord([tick, tick], C)) == "[tick, tick] -> c"
