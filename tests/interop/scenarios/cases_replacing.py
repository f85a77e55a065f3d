"""Scenarios: tasks that let another one take their place."""

from collections.abc import Iterator
from typing import Any

from tests.interop.scenarios.stage import Stage, scenario, shape


def _single(t: Stage) -> Any:
    return t.s("add", 1, 2)


def _chain(t: Stage) -> Any:
    return t.chain(t.s("add", 1, 2), t.s("add", 10))


def _group(t: Stage) -> Any:
    return t.group(t.s("add", 1, 2), t.s("add", 3, 4))


def _chord(t: Stage) -> Any:
    return t.chord([t.s("add", 1, 2), t.s("add", 3, 4)], t.s("total"))


def _failing(t: Stage) -> Any:
    return t.s("fail")


def _twice(t: Stage) -> Any:
    return t.s("replace", by=t.s("add", 1, 2))


def _again(t: Stage) -> Any:
    return t.s("again", 1)


def _group_last(t: Stage) -> Any:
    return t.chain(t.s("add", 1, 2), t.group(t.s("add", 1), t.s("add", 2)))


def _single_group(t: Stage) -> Any:
    return t.group(t.s("add", 1, 2))


BY = {
    "task": _single,
    "chain": _chain,
    "group": _group,
    "chord": _chord,
    "failure": _failing,
    "replaced_one": _twice,
    "retried_one": _again,
    "chain_with_group": _group_last,
    "single_group": _single_group,
}


def _alone(t: Stage, by: Any) -> Any:
    return t.s("replace", by=by)


def _raised(t: Stage, by: Any) -> Any:
    return t.s("replace", by=by, raises=True)


def _in_a_chain(t: Stage, by: Any) -> Any:
    return t.chain(t.s("add", 5, 5), t.s("replace", by=by), t.s("collect", "next"), t.s("collect", "last"))


def _last_in_a_chain(t: Stage, by: Any) -> Any:
    return t.chain(t.s("add", 5, 5), t.s("replace", by=by))


def _in_a_group(t: Stage, by: Any) -> Any:
    return t.group(t.s("replace", by=by), t.s("add", 7, 7))


def _in_a_chord(t: Stage, by: Any) -> Any:
    return t.chord([t.s("replace", by=by), t.s("add", 7, 7)], t.s("collect"))


def _as_a_body(t: Stage, by: Any) -> Any:
    return t.chord([t.s("add", 6, 6), t.s("add", 7, 7)], t.s("replace", by=by))


def _with_callbacks(t: Stage, by: Any) -> Any:
    return t.s("replace", by=by).set(link=t.s("collect", "linked"), link_error=t.s("errback"))


WHERE = {
    "alone": _alone,
    "in_a_chain": _in_a_chain,
    "last_in_a_chain": _last_in_a_chain,
    "in_a_group": _in_a_group,
    "in_a_chord": _in_a_chord,
    "as_a_body": _as_a_body,
    "with_callbacks": _with_callbacks,
}

for by_name, by in BY.items():
    for where_name, where in WHERE.items():

        def made(t: Stage, by: Any = by, where: Any = where) -> Any:
            return where(t, by(t))

        made.__name__ = f"by_{by_name}_{where_name}"
        made.__module__ = __name__
        shape(made)


@shape
def raised(t: Stage) -> Any:
    return _raised(t, _single(t))


@shape
def by_one_with_callbacks(t: Stage) -> Any:
    return t.s("replace", by=t.s("add", 1, 2).set(link=t.s("collect", "own")))


@shape
def by_an_empty_chain(t: Stage) -> Any:
    return t.s("replace", by=t.chain())


@shape
def by_an_empty_group(t: Stage) -> Any:
    return t.s("replace", by=t.group())


@scenario
def stamped(t: Stage) -> Iterator[None]:
    signature = t.s("replace", by=t.s("describe"))
    signature.stamp(tenant="acme")
    t.watch("result", signature.apply_async(headers={"colour": "red"}))
    yield
