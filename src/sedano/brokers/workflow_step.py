"""The workflow's part of a settlement, within the transaction that settles.

Called by the brokers that have transactions, for settlements whose claims stand. Never touches a message.
"""

from typing import Any, Final, NamedTuple

from sedano.results.group_store import WorkflowChange
from sedano.results.store import JointResults


class WorkflowStep(NamedTuple):
    """What became of it, and so of the settlement."""

    #: If not, there are no results of it, no follow-ups and no dead letter: another has ended the chord, or
    #: it was carried out before. Its message is removed all the same, unless a chord was completed.
    takes_effect: bool
    #: The chords that it completed: their ends are to come, so its message is kept.
    completed: tuple[str, ...] = ()


#: Of a settlement with no part in a workflow.
NO_CHANGE: Final = WorkflowStep(takes_effect=True)


def carry_out(
    change: WorkflowChange | None, results: JointResults | None, transaction: Any, *, is_claimed: bool
) -> WorkflowStep:
    """Count, extend and end chords. Results and follow-ups are left to the caller.

    Args:
        is_claimed: It settles a message, which is there once more if it completed a chord in a commit whose
            outcome was not known. What it brings must not come a second time. That its members have been
            counted says nothing: so have those of a dead letter that was replayed.
    """
    if change is None or results is None:
        return NO_CHANGE
    groups = results.groups
    parts = change.parts
    if change.end is None:
        repeated = is_claimed and any(groups.is_to_end(transaction, part) for part in parts)
    else:
        repeated = not groups.take_end(transaction, change.end)
        counted = is_claimed and bool(parts) and all(groups.has_part(transaction, part) for part in parts)
        if repeated and not counted:
            return WorkflowStep(takes_effect=False)
    if not repeated:
        for group_id, members, by in change.extensions:
            groups.extend_chord(transaction, group_id, members, by)
    completes = groups.add_parts(transaction, parts) if parts else ()
    completed = tuple(part.group_id for part, is_last in zip(parts, completes, strict=True) if is_last)
    return WorkflowStep(not repeated, completed)
