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
        is_claimed: It settles a message: if its members have been counted, then by itself, in a commit whose
            outcome was not known. What it brings must not come a second time.
    """
    if change is None or results is None:
        return NO_CHANGE
    groups = results.groups
    parts = change.parts
    repeated = is_claimed and bool(parts) and all(groups.has_part(transaction, part) for part in parts)
    if not repeated:
        if change.end is not None and not groups.take_end(transaction, change.end):
            return WorkflowStep(takes_effect=False)
        for group_id, members in change.extensions:
            groups.extend_chord(transaction, group_id, members)
    completes = groups.add_parts(transaction, parts) if parts else ()
    completed = tuple(part.group_id for part, is_last in zip(parts, completes, strict=True) if is_last)
    return WorkflowStep(not repeated, completed)
