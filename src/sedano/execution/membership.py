"""Which chords a message's end counts in: as a member of a header, or on behalf of later steps that are.

Reads signatures as they stand in messages, ours or Celery's. Called by the executor's parts; never talks to a
store.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from sedano.results.group_store import ChordPart
from sedano.tasks.request import Context


class Membership(NamedTuple):
    """One member of a chord's header."""

    group_id: str
    task_id: str
    #: Its place among the members.
    place: int | None
    #: The signature of the chord's body.
    body: Mapping[str, Any]

    def part(self, document: bytes = b"", expires_at: float | None = None) -> ChordPart:
        """What it ended with, for the store. Empty: what was told of it before."""
        return ChordPart(self.group_id, self.task_id, self.place, document, expires_at)

    @property
    def member(self) -> str:
        """As ``ChordPart.member``."""
        return self.part().member


class Leaf(NamedTuple):
    """A signature that is one task, somewhere in a workflow."""

    signature: Mapping[str, Any]
    #: Its end counts in a chord that has begun. False for members of headers that have not.
    counts: bool


def own_membership(request: Context) -> Membership | None:
    """The chord whose header this call is in."""
    if not request.chord or not request.group or not request.id:
        return None
    return Membership(request.group, request.id, request.group_index, request.chord)


def membership_of(leaf: Leaf) -> Membership | None:
    """The chord in which this step's end counts."""
    options = leaf.signature.get("options") or {}
    body, group_id, task_id = options.get("chord"), options.get("group_id"), options.get("task_id")
    if not leaf.counts or not body or not group_id or not task_id:
        return None
    return Membership(group_id, task_id, options.get("group_index"), body)


def memberships(request: Context) -> Iterator[Membership]:
    """All chords in which this message's end may count.

    Its own, and those of later steps of its chain; and where those fail, the chords that their bodies are in.
    """
    own = own_membership(request)
    waiting = [own] if own is not None else []
    waiting += _memberships_of(later_steps(request))
    seen: set[tuple[str, str]] = set()
    for membership in waiting:
        key = membership.group_id, membership.member
        if key not in seen:
            seen.add(key)
            yield membership
            waiting += _memberships_of(leaves([membership.body]))


def _memberships_of(steps: Iterable[Leaf]) -> Iterator[Membership]:
    for leaf in steps:
        membership = membership_of(leaf)
        if membership is not None:
            yield membership


def later_steps(request: Context) -> Iterator[Leaf]:
    """The tasks after this one in its chain, the next one first."""
    return leaves(reversed(request.chain or ()))


def leaves(signatures: Iterable[Mapping[str, Any]]) -> Iterator[Leaf]:
    """The tasks that these signatures consist of, and those that would follow them, in their order."""
    waiting = [Leaf(signature, True) for signature in signatures]
    waiting.reverse()
    while waiting:
        signature, counts = waiting.pop()
        kwargs, options = signature.get("kwargs") or {}, signature.get("options") or {}
        following, awaited_by = options.get("chain") or (), options.get("chord")
        match signature.get("subtask_type"):
            case "group":
                parts = [Leaf(_awaited(one, awaited_by), counts) for one in kwargs.get("tasks") or ()]
            case "chain":
                *steps, last = kwargs.get("tasks") or (None,)
                parts = [Leaf(one, counts) for one in steps]
                parts += [Leaf(_awaited(last, awaited_by), counts)] if last else []
            case "chord":
                header, body = kwargs.get("header") or (), kwargs.get("body")
                if isinstance(header, Mapping):
                    header = [header]
                parts = [Leaf(one, False) for one in header]
                parts += [Leaf(_awaited(body, awaited_by), counts)] if body else []
            case _:
                parts = []
                yield Leaf(signature, counts)
        parts += [Leaf(one, counts) for one in reversed(following)]
        waiting += reversed(parts)


def _awaited(part: Mapping[str, Any], body: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """A part of a shape that a chord's body waits for: the shape alone may say so."""
    options = part.get("options") or {}
    return part if body is None or options.get("chord") else {**part, "options": {**options, "chord": body}}
