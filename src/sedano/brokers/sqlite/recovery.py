"""Taking over what dead nodes held, inside a transaction.

Called by ``SqliteLease.recover_dead``. Never begins or ends the transaction.
"""

import sqlite3

from sedano.brokers.crash_attempts import crash_delay
from sedano.brokers.sqlite.statements import STATEMENTS


def take_over_all(connection: sqlite3.Connection, incarnation: str, now: float) -> int:
    """Take over from every node but this one whose lease has run out. How many messages are ready again."""
    parameters = {"incarnation": incarnation, "now": now}
    silent = connection.execute(STATEMENTS["silent_nodes"], parameters).fetchall()
    nobody = [(claimed_by, "[]") for (claimed_by,) in connection.execute(STATEMENTS["claims_of_nobody"])]
    return sum(_take_over(connection, dead, running, now) for dead, running in silent + nobody)


def _take_over(connection: sqlite3.Connection, dead: str, running: str, now: float) -> int:
    parameters = {"incarnation": dead, "now": now, "running": running}
    suspects = connection.execute(STATEMENTS["running_when_it_died"], parameters).fetchall()
    for tag, crashes in suspects:
        due = now + crash_delay(crashes + 1)
        connection.execute(STATEMENTS["requeue"], ("scheduled", due, now, True, True, tag))
    others = connection.execute(STATEMENTS["give_back_all"], parameters).rowcount
    connection.execute(STATEMENTS["delete_lease"], parameters)
    return len(suspects) + others
