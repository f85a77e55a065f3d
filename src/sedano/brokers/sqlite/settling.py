"""Carrying out a batch of settlements inside a transaction.

Called by ``SqliteLease.claim``. Never begins or ends the transaction.
"""

import json
import sqlite3
from collections.abc import Sequence
from typing import Final, assert_never

from sedano.brokers.publication import Publication
from sedano.brokers.settlement import Bury, Finish, Park, Record, Requeue, Settlement
from sedano.brokers.sqlite.statements import STATEMENTS
from sedano.brokers.workflow_step import carry_out
from sedano.results.result_write import ResultWrite
from sedano.results.store import JointResults
from sedano.sql.message_row import INSERT_MESSAGE, message_row

_HELD: Final = STATEMENTS["held"]
_FINISH: Final = STATEMENTS["finish"]


class SettlingBatch:
    """What a list of settlements comes to, gathered so that each statement runs once for all of them."""

    __slots__ = ("_finished", "_follow_ups", "_now", "_results", "completing", "lost")

    def __init__(self, now: float) -> None:
        self._now = now
        self._finished: list[tuple[int]] = []
        self._results: list[ResultWrite] = []
        self._follow_ups: list[Publication] = []
        #: Tags of the settlements that came too late.
        self.lost: list[int] = []
        #: Tags of those that completed a chord, and which. Their messages are still held.
        self.completing: list[tuple[int, str]] = []

    def carry_out(
        self,
        connection: sqlite3.Connection,
        settlements: Sequence[Settlement],
        *,
        incarnation: str,
        joint_results: JointResults | None,
    ) -> None:
        """Settle what this incarnation still holds; of the rest, note the tags and store nothing."""
        held = held_of(connection, [s.tag for s in settlements if s.tag is not None], incarnation)
        for settlement in settlements:
            tag = settlement.tag
            if tag is not None:
                if tag not in held:
                    self.lost.append(tag)
                    continue
                if not isinstance(settlement, Record):
                    held.discard(tag)
            self._settle(connection, settlement, joint_results)
        self._write(connection, joint_results)

    def _settle(
        self, connection: sqlite3.Connection, settlement: Settlement, joint_results: JointResults | None
    ) -> None:
        match settlement:
            case Finish(workflow=None):
                self._finished.append((settlement.tag,))
                self._gather(settlement.result, settlement.follow_ups)
            case Requeue():
                self._requeue(connection, settlement)
                self._gather(settlement.result, ())
            case Bury(workflow=None):
                self._copy_to_dead_letters(connection, settlement)
                self._finished.append((settlement.tag,))
                self._gather(settlement.result, settlement.follow_ups)
            case Park():
                connection.execute(STATEMENTS["park"], (settlement.tag,))
            case Record(workflow=None):
                self._gather(settlement.result, settlement.follow_ups)
            case Finish() | Bury() | Record():
                self._settle_in_workflow(connection, settlement, joint_results)
            case _:
                assert_never(settlement)

    def _settle_in_workflow(
        self,
        connection: sqlite3.Connection,
        settlement: Finish | Bury | Record,
        joint_results: JointResults | None,
    ) -> None:
        tag, change = settlement.tag, settlement.workflow
        step = carry_out(change, joint_results, connection, is_claimed=tag is not None)
        if step.takes_effect:
            self._gather(settlement.result, settlement.follow_ups)
            self._results.extend(change.results if change is not None else ())
            if isinstance(settlement, Bury):
                self._copy_to_dead_letters(connection, settlement)
        if tag is None:
            return
        if step.completed:
            self.completing += [(tag, group_id) for group_id in step.completed]
        elif not isinstance(settlement, Record):
            self._finished.append((tag,))

    def _gather(self, result: ResultWrite | None, follow_ups: tuple[Publication, ...]) -> None:
        if result is not None:
            self._results.append(result)
        if follow_ups:
            self._follow_ups.extend(follow_ups)

    def _requeue(self, connection: sqlite3.Connection, requeue: Requeue) -> None:
        due = requeue.due
        scheduled = due is not None and due > self._now
        connection.execute(
            STATEMENTS["requeue"],
            (
                "scheduled" if scheduled else "ready",
                due if scheduled else None,
                self._now,
                requeue.crashed,
                requeue.begun,
                requeue.tag,
            ),
        )

    def _copy_to_dead_letters(self, connection: sqlite3.Connection, bury: Bury) -> None:
        connection.execute(
            STATEMENTS["copy_to_dead_letters"], (bury.reason, bury.crashed, self._now, bury.tag)
        )

    def _write(self, connection: sqlite3.Connection, joint_results: JointResults | None) -> None:
        if self._finished:
            connection.executemany(_FINISH, self._finished)
        if self._results and joint_results is not None:
            joint_results.write(connection, self._results)
        if self._follow_ups:
            connection.executemany(INSERT_MESSAGE, [message_row(p, self._now) for p in self._follow_ups])


def held_of(connection: sqlite3.Connection, tags: Sequence[int], incarnation: str) -> set[int]:
    """Those of these claims that stand."""
    if not tags:
        return set()
    rows = connection.execute(_HELD, (json.dumps(tags), incarnation))
    return {tag for (tag,) in rows}
