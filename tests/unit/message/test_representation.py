"""Texts of arguments for logs: short, and never an error."""

from collections import OrderedDict
from typing import Any

import pytest

from sedano.message.representation import represent


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ((), "()"),
        ((1,), "(1,)"),
        ((1, "a", None, 1.5, True, b"x"), "(1, 'a', None, 1.5, True, b'x')"),
        ({}, "{}"),
        ({"user": "bob", "deep": [1, {2}]}, "{'user': 'bob', 'deep': [1, {2}]}"),
        ([frozenset({1}), set(), frozenset()], "[frozenset({1}), set(), frozenset()]"),
        ((((("deep",),),),), "((((...,),),),)"),
        ("it's", '"it\'s"'),
        ("line\nbreak", "'line\\nbreak'"),
        ("half \ud800", "'half \\ud800'"),
        (OrderedDict(a=1), "{'a': 1}"),
    ],
)
def test_a_small_value_is_shown_as_python_shows_it(value: Any, text: str) -> None:
    assert represent(value) == text


def test_depth_is_a_choice() -> None:
    assert represent([[[[[5]]]]], max_levels=2) == "[[[...]]]"
    assert represent([[[[[5]]]]], max_levels=0) == "[[[[[5]]]]]"


def test_what_is_left_out_is_marked() -> None:
    assert represent(("x" * 5000, 1), max_length=30) == "('xxxxxxxxxxxxxxxxxx'..., ...)"
    assert represent(list(range(1000)), max_length=30) == "[0, 1, 2, 3, 4, 5, 6, 7, ...]"


@pytest.mark.parametrize(
    "value",
    [
        "x" * 10_000_000,
        b"\xff" * 10_000_000,
        "\U0001f600\x00" * 10_000,
        list(range(10_000_000)),
        {str(n): n for n in range(100_000)},
        [["x" * 300] * 300] * 300,
        10**100_000,
        -(10**100_000),
        [10**4000] * 10,
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_huge_value_is_cut_to_the_limit(value: Any) -> None:
    for shown in (value, (value,), {"key": value}):
        text = represent(shown)
        assert 20 < len(text) <= 1024


def test_a_value_that_contains_itself_is_shown() -> None:
    loop: list[Any] = [1]
    loop.append(loop)

    assert represent(loop) == "[1, [1, [1, [...]]]]"


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class BrokenList(list[Any]):
    def __iter__(self) -> Any:
        raise RuntimeError("no")


class Surrogate:
    def __repr__(self) -> str:
        return "<\ud800>"


class NoText:
    def __repr__(self) -> str:
        return 5  # type: ignore[return-value]


class Chatty:
    def __repr__(self) -> str:
        return "x" * 5000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([Broken(), 1], "[<Broken whose repr fails with RuntimeError>, 1]"),
        (BrokenList([1]), "<BrokenList whose repr fails with RuntimeError>"),
        ((NoText(),), "(<NoText whose repr fails with TypeError>,)"),
        ((Surrogate(),), r"(<\ud800>,)"),
    ],
)
def test_objects_whose_repr_is_broken_are_shown_all_the_same(value: Any, text: str) -> None:
    assert represent(value) == text


def test_a_long_repr_is_cut() -> None:
    text = represent([Chatty(), 2])

    assert len(text) <= 1024
    assert text.startswith("[xxx")
    assert text.endswith("...]")
