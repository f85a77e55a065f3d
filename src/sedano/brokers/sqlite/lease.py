"""The SQLite broker's side of one node: what it claims, settles, renews and takes over.

Made by ``SqliteBroker.lease``. Owned by one thread, but for ``wake``.
"""

import json
import sqlite3
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any, Final

from sedano import ids
from sedano.brokers.delivery import Delivery
from sedano.brokers.lease import Claimed
from sedano.brokers.settlement import Record, Settlement
from sedano.brokers.sqlite.message_rows import delivery
from sedano.brokers.sqlite.recovery import take_over_all
from sedano.brokers.sqlite.settling import SettlingBatch, held_of
from sedano.brokers.sqlite.statements import STATEMENTS
from sedano.brokers.turns import Turns
from sedano.clock import Clock
from sedano.errors import BrokerError, LeaseLost
from sedano.results.store import JointResults
from sedano.sql.commit_wait import CommitWait
from sedano.sql.sqlite_database import SqliteDatabase

_CLAIM: Final = STATEMENTS["claim"]


class SqliteLease:
    """A ``Lease``.

    Renewals of different nodes are compared by the handed-in clock's wall time, which all processes of one
    machine share. If that clock is set forward by more than a lease, nodes take each other for dead: work
    runs a second time, and the fence keeps the first run from committing.
    """

    def __init__(
        self,
        database: SqliteDatabase,
        node: str,
        *,
        duration: timedelta,
        results: JointResults | None,
        clock: Clock,
    ) -> None:
        self.incarnation = ids.incarnation(node)
        self._database = database
        self._results = results
        self._clock = clock
        #: Tags that the owner was told of and has not settled.
        self._known: set[int] = set()
        #: A commit failed in a way that leaves open whether it took place.
        self._in_doubt = False
        self._lost = False
        self._ended = False
        self._waiting = CommitWait(database.location)
        database.write(
            lambda connection: connection.execute(
                STATEMENTS["begin_lease"],
                {
                    "incarnation": self.incarnation,
                    "node": node,
                    "now": clock.timestamp(),
                    "lease_seconds": duration.total_seconds(),
                },
            )
        )

    # -- claiming and settling

    def claim(
        self,
        queues: Sequence[str],
        limit: int,
        settling: Sequence[Settlement] = (),
        *,
        tasks: Collection[str] | None = None,
    ) -> Claimed:
        if not settling and not self._in_doubt and (limit <= 0 or not self._may_claim(queues, tasks)):
            return Claimed([], [])
        try:
            claimed, stands = self._database.write(
                lambda connection: self._settle_and_claim(connection, queues, limit, settling, tasks)
            )
        except BrokerError:
            self._in_doubt = True
            raise
        self._in_doubt = False
        self._lost = not stands
        self._known.difference_update(s.tag for s in settling if not isinstance(s, Record))
        self._known.update(claim.tag for claim in claimed.deliveries)
        if claimed.completing:
            self._known.update(tag for tag, _ in claimed.completing)
        return claimed

    def _settle_and_claim(
        self,
        connection: sqlite3.Connection,
        queues: Sequence[str],
        limit: int,
        settling: Sequence[Settlement],
        tasks: Collection[str] | None,
    ) -> tuple[Claimed, bool]:
        now = self._clock.timestamp()
        batch = SettlingBatch(now)
        if settling:
            batch.carry_out(connection, settling, incarnation=self.incarnation, joint_results=self._results)
        if self._in_doubt:
            self._give_back_unknown(connection, now)
        # The fence for claiming: a node that was taken for dead must not hold what nobody would recover.
        stands = self._stands(connection)
        if limit <= 0 or not stands or self._ended:
            return Claimed([], batch.lost, batch.completing), stands
        ready = self._claim_ready(connection, queues, limit, tasks, now)
        return Claimed(ready, batch.lost, batch.completing), True

    def _claim_ready(
        self,
        connection: sqlite3.Connection,
        queues: Sequence[str],
        limit: int,
        tasks: Collection[str] | None,
        now: float,
    ) -> list[Delivery]:
        parameters: dict[str, Any] = {"queues": _as_json(queues), "limit": limit, "now": now}
        head_of_lane = STATEMENTS["head_of_lane"]
        if tasks is not None:
            parameters["tasks"] = _as_json(tasks)
            head_of_lane = STATEMENTS["head_of_lane_for_tasks"]
        connection.execute(STATEMENTS["promote"], parameters)
        rows: list[tuple[Any, ...]] = []
        opened = connection.execute(STATEMENTS["open_queues"], parameters).fetchall()
        for (parameters["queue"],) in opened:
            rows += connection.execute(head_of_lane, parameters)
        if len(opened) > 1:
            rows.sort(key=_place_in_line)
            del rows[limit:]
        connection.executemany(_CLAIM, [(self.incarnation, row[0]) for row in rows])
        return [delivery(row) for row in rows]

    def _give_back_unknown(self, connection: sqlite3.Connection, now: float) -> None:
        connection.execute(
            STATEMENTS["give_back_unknown"],
            {"incarnation": self.incarnation, "known": _as_json(self._known), "now": now},
        )

    def claim_parked(self, queues: Sequence[str], limit: int, tasks: Collection[str]) -> list[Delivery]:
        parameters = {"queues": _as_json(queues), "tasks": _as_json(tasks), "limit": limit}
        (waiting,) = self._database.read(
            lambda c: c.execute(STATEMENTS["look_for_parked"], parameters).fetchone()
        )
        if not waiting or limit <= 0 or self._ended:
            return []

        def claim(connection: sqlite3.Connection) -> list[Delivery]:
            if not self._stands(connection):
                return []
            rows = connection.execute(STATEMENTS["head_of_parked"], parameters).fetchall()
            connection.executemany(_CLAIM, [(self.incarnation, row[0]) for row in rows])
            return [delivery(row) for row in rows]

        try:
            claimed = self._database.write(claim)
        except BrokerError:
            self._in_doubt = True
            raise
        self._known.update(message.tag for message in claimed)
        return claimed

    def holds(self, tags: Collection[int]) -> set[int]:
        return self._database.read(lambda connection: held_of(connection, list(tags), self.incarnation))

    def reread(self, tags: Collection[int]) -> list[Delivery]:
        parameters = {"tags": _as_json(tags), "incarnation": self.incarnation}
        rows = self._database.read(lambda c: c.execute(STATEMENTS["held_messages"], parameters).fetchall())
        return [delivery(row) for row in rows]

    def take_turns(self, task: str, seconds: float, count: int, *, most: int) -> Sequence[float]:
        def take(connection: sqlite3.Connection) -> Sequence[float]:
            row = connection.execute(STATEMENTS["turns_of"], {"task": task}).fetchone()
            turns = Turns(*row) if row else Turns()
            taken = turns.take(self._clock.timestamp(), seconds, count, most=most)
            moments = {"task": task, "next_start": turns.next_start, "tail": turns.tail}
            connection.execute(STATEMENTS["keep_turns"], moments)
            return taken

        return self._database.write(take)

    # -- waiting

    def wait(self, queues: Sequence[str], timeout: float, *, tasks: Collection[str] | None = None) -> bool:
        if self._lost:
            raise LeaseLost(f"The lease {self.incarnation} was lost: other nodes took this one for dead.")
        return self._waiting.until(lambda: self._seconds_until_ready(queues, tasks), timeout)

    def wake(self) -> None:
        self._waiting.wake()

    def rest(self) -> None:
        """Nothing is sent ahead of a claim."""

    def _may_claim(self, queues: Sequence[str], tasks: Collection[str] | None) -> bool:
        """A look without a lock, so that an idle node never stands in a writer's way."""
        return self._seconds_until_ready(queues, tasks) <= 0

    def _seconds_until_ready(self, queues: Sequence[str], tasks: Collection[str] | None = None) -> float:
        """0 or less if a message is ready; infinite if nothing is scheduled either."""
        name = "look" if tasks is None else "look_for_tasks"
        parameters = {"queues": _as_json(queues), "tasks": None if tasks is None else _as_json(tasks)}
        ready, due = self._database.read(lambda c: c.execute(STATEMENTS[name], parameters).fetchone())
        if ready:
            return 0.0
        return float("inf") if due is None else float(due) - self._clock.timestamp()

    # -- the lease itself

    def renew(self, running: Collection[int]) -> None:
        parameters = {
            "incarnation": self.incarnation,
            "running": _as_json(running),
            "now": self._clock.timestamp(),
        }
        renewed = self._database.write(lambda c: c.execute(STATEMENTS["renew_lease"], parameters).rowcount)
        if not renewed:
            self._lost = True
            raise LeaseLost(f"The lease {self.incarnation} was lost: other nodes took this one for dead.")

    def recover_dead(self) -> int:
        now = self._clock.timestamp()
        if not self._database.read(lambda connection: self._somebody_is_silent(connection, now)):
            return 0
        return self._database.write(lambda connection: take_over_all(connection, self.incarnation, now))

    def _somebody_is_silent(self, connection: sqlite3.Connection, now: float) -> bool:
        silent = connection.execute(STATEMENTS["silent_nodes"], {"incarnation": self.incarnation, "now": now})
        if silent.fetchone() is not None:
            return True
        return connection.execute(STATEMENTS["claims_of_nobody"]).fetchone() is not None

    def _stands(self, connection: sqlite3.Connection) -> bool:
        row = connection.execute(STATEMENTS["lease_stands"], {"incarnation": self.incarnation}).fetchone()
        return row is not None

    def end(self) -> int:
        parameters = {"incarnation": self.incarnation, "now": self._clock.timestamp()}

        def give_back(connection: sqlite3.Connection) -> int:
            given_back = connection.execute(STATEMENTS["give_back_all"], parameters).rowcount
            connection.execute(STATEMENTS["delete_lease"], parameters)
            return given_back

        given_back = 0 if self._ended else self._database.write(give_back)
        self._ended = True
        self._lost = True
        self._known.clear()
        self._waiting.close()
        return given_back


def _place_in_line(row: tuple[Any, ...]) -> tuple[int, int]:
    return -row[4], row[0]


def _as_json(values: Collection[Any]) -> str:
    return json.dumps(list(values))
