"""Taking over what dead nodes held, inside a transaction.

Called by ``SqliteLease.recover_dead``. Never begins or ends the transaction.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from sedano.brokers.crash_attempts import crash_delay, crash_reason
from sedano.brokers.delivery import Delivery
from sedano.brokers.lease import CrashResult, Recovered
from sedano.brokers.sqlite.message_rows import delivery
from sedano.brokers.sqlite.statements import STATEMENTS
from sedano.results.result_write import ResultWrite
from sedano.results.store import JointResults


@dataclass(slots=True, kw_only=True)
class Recovery:
    """One look for dead nodes, and what it brings."""

    connection: sqlite3.Connection
    now: float
    max_crashes: int
    crash_result: CrashResult | None
    joint_results: JointResults | None
    _ready: int = 0
    _buried: list[Delivery] = field(default_factory=list)
    _results: list[ResultWrite] = field(default_factory=list)

    def take_over_all(self, incarnation: str) -> Recovered:
        """Take over from every node but this one whose lease has run out."""
        silent = self.connection.execute(
            STATEMENTS["silent_nodes"], {"incarnation": incarnation, "now": self.now}
        ).fetchall()
        for dead, node, running in silent:
            self._take_over(dead, node, running)
        for (nobody,) in self.connection.execute(STATEMENTS["claims_of_nobody"]).fetchall():
            self._take_over(nobody, nobody, "[]")
        if self._results and self.joint_results is not None:
            self.joint_results.write(self.connection, self._results)
        stored = {write.task_id for write in self._results} if self.joint_results is not None else set()
        return Recovered(
            ready=self._ready,
            buried=len(self._buried),
            without_result=tuple(letter for letter in self._buried if letter.task_id not in stored),
        )

    def _take_over(self, dead: str, node: str, running: str) -> None:
        parameters = {"incarnation": dead, "now": self.now, "running": running}
        suspects = self.connection.execute(STATEMENTS["running_when_it_died"], parameters).fetchall()
        self._count_crashes(map(delivery, suspects), node)
        self._ready += self.connection.execute(STATEMENTS["give_back_all"], parameters).rowcount
        self.connection.execute(STATEMENTS["delete_lease"], parameters)

    def _count_crashes(self, suspects: Iterable[Delivery], node: str) -> None:
        for survivor in suspects:
            suspect = msgspec.structs.replace(survivor, crashes=survivor.crashes + 1)
            if suspect.crashes > self.max_crashes:
                self._bury(suspect, crash_reason(node, suspect.crashes))
            else:
                due = self.now + crash_delay(suspect.crashes)
                self.connection.execute(
                    STATEMENTS["requeue"], ("scheduled", due, self.now, True, suspect.tag)
                )
                self._ready += 1

    def _bury(self, suspect: Delivery, reason: str) -> None:
        self.connection.execute(STATEMENTS["copy_to_dead_letters"], (reason, True, self.now, suspect.tag))
        self.connection.execute(STATEMENTS["finish"], (suspect.tag,))
        self._buried.append(suspect)
        if self.crash_result is not None and (write := self.crash_result(suspect, reason)) is not None:
            self._results.append(write)
