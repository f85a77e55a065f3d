"""How many more messages a node's children could use, now or very soon.

Asked by the node at every turn of the parent's loop; the feeder claims no more than that, so that nothing
waits here while another node has a free slot. Only counts.
"""

from collections.abc import Iterable
from typing import Final

from sedano.execution.slot_kind import SlotKind
from sedano.worker.child_link import ChildLink, Stage
from sedano.worker.pace import Pace

#: How far ahead the parent looks when it claims. Seconds.
HORIZON: Final = 0.050
#: A child that has shown no progress for so long has met a long task. Seconds.
STUCK_AFTER: Final = 0.025
#: Messages claimed ahead for one slot, however short its tasks are.
MOST_PER_SLOT: Final = 256


def for_slots(children: Iterable[ChildLink], *, waiting: int, pace: Pace, now: float) -> int:
    """Messages for the synchronous slots, beyond those ``waiting`` in the parent and in flight.

    A slot that is busy with a long task counts for nothing: as many are wanted as others work off within
    the horizon, and at least one for each of those.
    """
    slots = held = 0
    for child in children:
        if child.stage is Stage.WORKING and child.post.synchronous and _is_soon_free(child, pace, now):
            slots += 1
            held += len(child.in_flight)
    if not slots:
        return 0
    target = pace.look_ahead(slots, horizon=HORIZON, most=slots * MOST_PER_SLOT)
    return max(0, target - held - waiting)


def for_side(children: Iterable[ChildLink], kind: SlotKind, *, waiting: int, places: int) -> int:
    """Messages for slots that begin each job as it comes, beyond those ``waiting``: as many as are free.

    What still runs in a child that is leaving takes its successor's room, so that no more than ``places``
    tasks ever run at a time.
    """
    room = busy = 0
    for child in children:
        side = child.sides.get(kind)
        if side is not None:
            busy += len(side.running)
            if child.stage is Stage.WORKING:
                room += max(0, side.most - len(side.running))
    return max(0, min(room, places - busy) - waiting)


def _is_soon_free(child: ChildLink, pace: Pace, now: float) -> bool:
    running = child.running
    if running is None:
        return True
    expected = pace.average(running.delivery.task)
    if expected is None or expected * 2 > HORIZON:
        return False
    return now - child.busy_since < max(STUCK_AFTER, 2 * expected)
