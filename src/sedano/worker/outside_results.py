"""Settling where results live elsewhere than messages: first the store's part, then the broker's.

Used by the feeder, in its thread. Whatever process dies in between, a message is there until all has been
done that its task's end means; what is done twice then has the same effect as once.
"""

import logging
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from sedano.brokers.lease import Lease
from sedano.brokers.settlement import Bury, Finish, Park, Record, Requeue, Settlement
from sedano.errors import ResultStoreError
from sedano.results.group_store import ChordEnd, WorkflowChange
from sedano.results.result_write import ResultWrite
from sedano.results.store import ResultStore

logger = logging.getLogger("sedano.worker")

_OF_NO_WORKFLOW: Final = (Requeue, Park)


class Completed(NamedTuple):
    """A settlement that completed a chord: its message is kept."""

    tag: int
    group_id: str
    #: Why the message is to be buried when the chord has been ended.
    burial: str | None = None


class Told(NamedTuple):
    """What is left when the store has been told."""

    #: For the broker.
    settlements: list[Settlement]
    completed: list[Completed]
    #: Chords to be ended when the broker has carried out the settlements with these tags.
    ends: list[tuple[int | None, ChordEnd]]


class OutsideResults:
    """One node's result store, which its broker knows nothing of."""

    def __init__(self, results: ResultStore, queues: Sequence[str]) -> None:
        self._results = results
        self._queues = queues

    def tell(self, lease: Lease, settling: list[Settlement]) -> Told:
        """Tell the store what these settlements mean for it, as far as their claims still stand.

        What must not be told twice is taken out of ``settling`` as soon as it has been told: after an error,
        whatever is in there can be told again.
        """
        if not any(map(_says_something, settling)):
            return Told(settling, [], [])
        tags = [settlement.tag for settlement in settling if settlement.tag is not None]
        held: set[int | None] = {None, *(lease.holds(tags) if tags else ())}
        standing = [number for number, settlement in enumerate(settling) if settlement.tag in held]
        self._strip_ended_by_others(settling, standing)
        writes = [write for number in standing for write in _writes(settling[number])]
        if writes:
            self._results.put(writes)
        self._extend(settling, standing)
        self._publish_before_parts(lease, settling, standing)
        completed = self._add_parts(settling, standing)
        kept = {one.tag for one in completed}
        ends = [
            (settling[number].tag, change.end)
            for number in standing
            if (change := _change(settling[number])) is not None and change.end is not None
        ]
        return Told([_bare(one) for one in settling if one.tag not in kept], completed, ends)

    def forget(self, told: Told, lost: Sequence[int]) -> None:
        """The broker has carried out its part, but for the settlements with these tags."""
        for tag, end in told.ends:
            if tag is None or tag not in lost:
                try:
                    self._results.groups.end_chord(end)
                except ResultStoreError as error:
                    # Its members have no messages any more: nobody will end it again.
                    logger.warning("What chord %s has kept stays until it expires: %s", end.group_id, error)

    def _strip_ended_by_others(self, settling: list[Settlement], standing: list[int]) -> None:
        for number in standing:
            change = _change(settling[number])
            if change is None or change.end is None or self._results.groups.may_end(change.end):
                continue
            tag = settling[number].tag
            settling[number] = Record(None) if tag is None else Finish(tag)

    def _extend(self, settling: list[Settlement], standing: list[int]) -> None:
        for number in standing:
            change = _change(settling[number])
            for group_id, members, by in change.extensions if change is not None else ():
                self._results.groups.extend_chord(group_id, members, by)

    def _publish_before_parts(self, lease: Lease, settling: list[Settlement], standing: list[int]) -> None:
        """A member that was counted does not run again: what follows from it must not be missing then."""
        early: dict[int, Record] = {}
        for number in standing:
            settlement, change = settling[number], _change(settling[number])
            if isinstance(settlement, Finish | Bury) and settlement.follow_ups and change and change.parts:
                early[number] = Record(settlement.tag, follow_ups=settlement.follow_ups)
        if early:
            lease.claim(self._queues, 0, list(early.values()))
            for number in early:
                settling[number] = msgspec.structs.replace(settling[number], follow_ups=())

    def _add_parts(self, settling: list[Settlement], standing: list[int]) -> list[Completed]:
        told = [
            (settling[number], part)
            for number in standing
            if (change := _change(settling[number])) is not None
            for part in change.parts
        ]
        if not told:
            return []
        last = self._results.groups.add_parts([part for _, part in told])
        completed = []
        for (settlement, part), completes in zip(told, last, strict=True):
            if completes and settlement.tag is None:
                logger.error("Chord %s is complete, and nobody is left to start its body", part.group_id)
            elif completes and settlement.tag is not None:
                burial = settlement.reason if isinstance(settlement, Bury) else None
                completed.append(Completed(settlement.tag, part.group_id, burial))
        return completed


def _says_something(settlement: Settlement) -> bool:
    """Whether it means anything for a store."""
    if isinstance(settlement, Park):
        return False
    return settlement.result is not None or _change(settlement) is not None


def _change(settlement: Settlement) -> WorkflowChange | None:
    return None if isinstance(settlement, _OF_NO_WORKFLOW) else settlement.workflow


def _writes(settlement: Settlement) -> Iterator[ResultWrite]:
    if not isinstance(settlement, Park) and settlement.result is not None:
        yield settlement.result
    change = _change(settlement)
    if change is not None:
        yield from change.results


def _bare(settlement: Settlement) -> Settlement:
    """What the broker hears of it."""
    if not _says_something(settlement):
        return settlement
    match settlement:
        case Park():
            return settlement
        case Requeue():
            return msgspec.structs.replace(settlement, result=None)
        case _:
            return msgspec.structs.replace(settlement, result=None, workflow=None)
