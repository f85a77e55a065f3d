"""How signatures become the steps of a chain: the rules of ``|``.

Used by chains, when they are made and when they are published.
"""

from collections.abc import Sequence
from typing import Any

from sedano.canvas.chords import chord
from sedano.canvas.groups import group
from sedano.canvas.option_copies import OF_CHAINS
from sedano.canvas.signature import Signature


def append(steps: list[Signature[Any]], other: Signature[Any], *, clone: bool = True) -> None:
    """Add a signature to the steps of a chain, as ``|`` does. The steps are the chain's own.

    A step after a group makes a chord of it, and one after a chord belongs to the chord's body.
    """
    last = steps[-1] if steps else None
    if isinstance(other, group):
        if other._is_empty():
            return
        if len(other.tasks) == 1:
            append(steps, other.tasks[0], clone=clone)
            return
        if isinstance(last, chord):
            last.body = after(last.body, other)
            return
    elif other.subtask_type == "chain":
        for step in other.unchain_tasks():  # type: ignore[attr-defined]
            append(steps, step, clone=False)
        return
    elif isinstance(last, group):
        steps[-1] = chord(last, other._copy() if clone else other, app=last._app)
        before = steps[-2] if len(steps) > 1 else None
        if isinstance(before, chord):
            before.body = after(before.body, steps.pop())
        return
    elif isinstance(last, chord) and not isinstance(other, chord):
        last.body = after(last.body, other)
        return
    steps.append(other._copy() if clone else other)


def after(body: Signature[Any], other: Signature[Any]) -> Signature[Any]:
    """``body | other``, where the body is a chord's own and may be changed."""
    if body.subtask_type == "chain" and not body.options and not body._is_empty():
        append(body.kwargs["tasks"], other)
        return body
    return body | other


def lay_out(tasks: Sequence[Signature[Any]], *, unchain_bodies: bool) -> list[Signature[Any]]:
    """The steps of a chain one by one, as they are published: no chains among them, no groups but the last.

    Args:
        tasks: The steps as they were given. They are the chain's own.
        unchain_bodies: Where the body of a chord is a chain, make the rest of that chain steps of this one.
            The body is in the message of each member, and the rest need not be.
    """
    steps: list[Signature[Any]] = []
    waiting = list(reversed(tasks))
    nothing: Signature[Any] | None = None
    while waiting:
        step = _unrolled(waiting.pop())
        if step.subtask_type == "chain":
            waiting += reversed(step.own_steps())  # type: ignore[attr-defined]
            continue
        if unchain_bodies and isinstance(step, chord) and step.body is not None:
            waiting += reversed(_rest_of_body(step))
        last = steps[-1] if steps else None
        if step._is_empty():
            nothing = step
        elif isinstance(last, group):
            steps.pop()
            waiting.append(_joined(last, step))
        elif isinstance(last, chord) and (body := _followed(last.body, step)) is not None:
            last.body = body
        else:
            steps.append(step)
    return steps or ([nothing] if nothing is not None else [])


def _unrolled(step: Signature[Any]) -> Signature[Any]:
    step = step._as_step()
    while isinstance(step, group) and len(step.tasks) == 1:
        step = step.tasks[0]._as_step()
    return step


def _joined(header: group, body: Signature[Any]) -> chord:
    """A chord whose header is this group itself, with the id that it may have already."""
    joined = chord((), body, app=header._app)
    joined.tasks, joined.id = header, header.id
    return joined


def _followed(body: Signature[Any], step: Signature[Any]) -> Signature[Any] | None:
    """A body that ends with a group, followed by a step; None for one that does not.

    What follows a group follows all of it, not each member, however deep in chords the group is.
    """
    if isinstance(body, group):
        return _joined(body, step)
    if isinstance(body, chord) and (inner := _followed(body.body, step)) is not None:
        body.body = inner
        return body
    if body.subtask_type == "chain" and not body._is_empty():
        tasks: list[Signature[Any]] = body.kwargs["tasks"]
        if (last := _followed(tasks[-1], step)) is not None:
            tasks[-1] = last
            return body
    return None


def _rest_of_body(step: chord) -> list[Signature[Any]]:
    """Leave the first step of a chord's body where it is, and give the others."""
    body: Signature[Any] = step.body
    if body.subtask_type != "chain" or body._is_empty():
        return []
    own_steps: list[Signature[Any]] = body.own_steps()  # type: ignore[attr-defined]
    first, *rest = own_steps
    own = {name: value for name, value in body.options.items() if name not in OF_CHAINS}
    first.options = first._merge(options=own)[2]
    step.body = first
    return rest
