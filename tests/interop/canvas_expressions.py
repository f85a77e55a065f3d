"""Workflow expressions, built with either library, and what becomes of them in a form that can be compared.

Used by the tests of canvas shapes. An expression is a tree of tuples; ``build`` makes a signature of it.
"""

import json
import re
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, Final, NamedTuple

from hypothesis import strategies as st

from sedano import canvas
from sedano.canvas.plan import Plan

Expression = tuple[Any, ...]

_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_LINKS: Final = ("link", "link_error", "chord", "chain")
#: Options that are not for the wire: Celery writes them all the same.
_LOCAL: Final = frozenset({"add_to_parent", "route_name", "reply_to"})


class Message(NamedTuple):
    """What a worker reads of a message."""

    task: str
    args: Any
    kwargs: Any
    embed: dict[str, Any]
    headers: dict[str, Any]


def build(expression: Expression, library: ModuleType, app: Any = None) -> Any:
    """The signature of an expression, made with Celery (``celery``) or with us (``sedano.canvas``)."""
    kind, *parts = expression
    if kind == "task":
        name, args, options = parts
        return library.signature(f"proj.{name}", args=tuple(args), app=app, **options)
    if kind == "immutable":
        return build(parts[0], library, app).set(immutable=True)
    if kind in ("linked", "on_error"):
        made, callback = (build(part, library, app) for part in parts)
        (made.link if kind == "linked" else made.link_error)(callback)
        return made
    if kind == "pipe":
        left, right = (build(part, library, app) for part in parts)
        return left | right
    if kind == "map":
        return library.xmap(build(parts[0], library, app), parts[1], app=app)
    members = [build(part, library, app) for part in parts[0]]
    if kind == "chain":
        return library.chain(*members) if len(members) != 1 else library.chain(members)
    if kind == "generator":
        return library.chain(member for member in members)
    if kind == "group":
        return library.group(members)
    if kind == "chord":
        return library.chord(members, build(parts[1], library, app))
    raise AssertionError(kind)


def as_json(signature: Any) -> Any:
    """A signature as it comes out of JSON."""
    return json.loads(json.dumps(signature))


def messages_of(plan: Plan) -> list[Message]:
    """What workers read of the messages of a plan."""
    messages = []
    for call in plan.calls:
        options = json.loads(json.dumps(call.options))
        names = options.get("stamped_headers")
        headers = {
            "id": options["task_id"],
            "group": options.get("group_id"),
            "group_index": options.get("group_index"),
            "root_id": options.get("root_id") or options["task_id"],
            "parent_id": options.get("parent_id"),
            "ignore_result": options.get("ignore_result") or None,
            "stamped_headers": sorted(names) if names else None,
            "stamps": {name: options[name] for name in names or ()},
        }
        embed = {
            "callbacks": options.get("link"),
            "errbacks": options.get("link_error"),
            "chain": options.get("chain"),
            "chord": options.get("chord"),
        }
        args, kwargs = json.loads(json.dumps([call.args, call.kwargs]))
        messages.append(Message(call.task, args, kwargs, embed, headers))
    return messages


def read(headers: Mapping[str, Any], body: Any) -> Message:
    """What a worker reads of one of Celery's messages."""
    names = (
        "id",
        "group",
        "group_index",
        "root_id",
        "parent_id",
        "ignore_result",
        "stamped_headers",
        "stamps",
    )
    kept = {name: headers[name] for name in names}
    # Celery's own tasks say that they keep their results, which others say by saying nothing.
    kept["ignore_result"] = kept["ignore_result"] or None
    kept["stamped_headers"] = sorted(kept["stamped_headers"]) if kept["stamped_headers"] else None
    return Message(headers["task"], body[0], body[1], body[2], kept)


class Canonical:
    """Ids by the order in which they come up, so that two runs can be compared."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def __call__(self, value: Any) -> Any:
        if isinstance(value, str) and _ID.fullmatch(value):
            return self._known.setdefault(value, f"id-{len(self._known)}")
        if isinstance(value, Mapping):
            pairs = [(self(key), self(value[key])) for key in sorted(value)]
            return dict(pairs)
        if isinstance(value, list | tuple):
            return [self(each) for each in value]
        return value


def without_noise(value: Any, *, waits_for: Any = None) -> Any:
    """Without what makes no difference: Nones, empty callbacks, and bodies of chords that are there twice.

    Celery puts a chord's body on each member of a group that waits to be published; the group has it as well.
    """
    if isinstance(value, Message):
        return {name: without_noise(part) for name, part in value._asdict().items()}
    if isinstance(value, Mapping):
        cleaned = {
            name: sorted(part) if name == "stamped_headers" and part else without_noise(part)
            for name, part in value.items()
            if name not in _LOCAL and part is not None and not (name in _LINKS and not part)
        }
        if value.get("subtask_type") == "group" and "chord" in cleaned.get("options", {}):
            for member in cleaned["kwargs"]["tasks"]:
                _drop_chord(member)
        if value.get("subtask_type") == "chain":
            cleaned["kwargs"]["tasks"] = _spliced(cleaned["kwargs"]["tasks"])
        if "task" in cleaned and "options" in cleaned:
            # Whoever publishes it says the root once more, whether or not Celery has written it down here.
            cleaned["options"].pop("root_id", None)
        if "chain" in cleaned and not cleaned["chain"]:
            del cleaned["chain"]
        return cleaned
    if isinstance(value, list | tuple):
        return [without_noise(each) for each in value]
    return value


def _spliced(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The steps of a chain with those of chains in it, which run just so."""
    spliced = []
    for step in steps:
        spliced += step["kwargs"]["tasks"] if step.get("subtask_type") == "chain" else [step]
    return spliced


def _drop_chord(member: dict[str, Any]) -> None:
    member["options"].pop("chord", None)
    if member.get("subtask_type") == "chain" and member["kwargs"]["tasks"]:
        _drop_chord(member["kwargs"]["tasks"][-1])
    elif member.get("subtask_type") == "chord":
        _drop_chord(member["kwargs"]["body"])


# -- made by Hypothesis

_NAMES: Final = st.sampled_from("abcdefgh")
_OPTIONS: Final = st.sampled_from([{}, {}, {}, {"priority": 3}, {"ignore_result": True}])


def tasks() -> st.SearchStrategy[Expression]:
    """A task, and sometimes callbacks of it."""
    plain = st.tuples(st.just("task"), _NAMES, st.lists(st.integers(0, 9), max_size=2), _OPTIONS)
    return st.one_of(
        plain,
        plain,
        plain,
        st.tuples(st.just("immutable"), plain),
        st.tuples(st.just("linked"), plain, plain),
        st.tuples(st.just("on_error"), plain, plain),
        st.tuples(st.just("map"), plain, st.lists(st.integers(0, 9), max_size=3)),
    )


def expressions() -> st.SearchStrategy[Expression]:
    """Nested expressions. Groups are no members of groups: Celery does not keep their members' order."""
    return st.recursive(tasks(), _nested, max_leaves=9)


def _nested(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    members = st.lists(inner.filter(_is_no_group), min_size=1, max_size=3)
    return st.one_of(
        st.tuples(st.just("pipe"), inner, inner),
        st.tuples(st.sampled_from(("chain", "generator")), st.lists(inner, min_size=1, max_size=3)),
        st.tuples(st.just("group"), members),
        st.tuples(st.just("chord"), members, inner.filter(_is_something)),
    )


def _is_no_group(expression: Expression) -> bool:
    return not isinstance(build(expression, canvas), canvas.group)


def _is_something(expression: Expression) -> bool:
    return not build(expression, canvas)._is_empty()


def followers(message: Message) -> Iterable[tuple[str, Any, Any, dict[str, Any]]]:
    """What a worker publishes when this message's task has returned: signature, arguments, options."""
    if message.embed["chain"]:
        *rest, step = message.embed["chain"]
        options = {"chain": rest, "root_id": message.headers["root_id"]}
        yield "step", step, (f"result of {message.task}",), options
    if message.embed["chord"]:
        yield "body", message.embed["chord"], ([f"results with {message.task}"],), {}
