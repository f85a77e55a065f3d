"""Messages in a SQLite file: the embedded default broker.

Opened by ``brokers.opening`` for ``sqlite:`` URLs. Never imports a task.

How safe a message is: ``publish`` returns when its transaction is committed to the write-ahead log. From then
on it survives the death of any process, at any moment. With ``synchronous=normal`` (the default) the log is
handed to the operating system but synced to the disk only at checkpoints, so when the whole machine dies
(power, kernel) the last transactions before it may be missing as if they had never happened: messages
published, or messages settled, which then run again. The file is never damaged by it. ``?synchronous=full``
syncs every commit, and makes each as slow as the disk. The file belongs on a local disk: SQLite's locks and
shared memory do not work over a network.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from sedano.brokers.features import BrokerFeatures
from sedano.brokers.publication import Publication
from sedano.brokers.sqlite.admin import SqliteAdmin
from sedano.brokers.sqlite.lease import SqliteLease
from sedano.brokers.sqlite.ticks import SqliteTicks
from sedano.brokers.ticks import TickStore
from sedano.clock import Clock, SystemClock
from sedano.errors import BrokerError, BrokerUnavailable, ConfigurationError
from sedano.results.store import JointResults
from sedano.sql.message_row import INSERT_MESSAGE, message_row
from sedano.sql.sqlite_database import SqliteDatabase
from sedano.sql.sqlite_diagnosis import Diagnosis
from sedano.sql.sqlite_location import SqliteLocation

_FEATURES: Final = BrokerFeatures(
    transactional_publish=False,
    joint_results=True,
    priority_levels=256,
    push=True,
    claims_by_task=True,
    durable=True,
    shared_rates=True,
)


class SqliteBroker:
    """A ``Broker``.

    Args:
        location: The database file.
        publish_timeout: How long any call may take while others hold the file's lock.
        clock: Its wall time is what due times and leases are compared with, by all processes that share
            the file.
    """

    name = "sqlite"
    features = _FEATURES

    def __init__(
        self,
        location: SqliteLocation,
        *,
        publish_timeout: timedelta = timedelta(seconds=2),
        clock: Clock | None = None,
    ) -> None:
        self.location = location.identity
        self._clock = clock or SystemClock()
        self._database = SqliteDatabase(location, deadline=publish_timeout, translate=_translate)
        self.admin = SqliteAdmin(self._database, self._clock)
        self.ticks: TickStore | None = SqliteTicks(self._database)

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        options: Mapping[str, Any],
        publish_timeout: timedelta,
        clock: Clock,
        base_dir: Path,
    ) -> "SqliteBroker":
        """As ``brokers.opening`` calls it."""
        location = SqliteLocation.from_url(url, base_dir=base_dir, options=options)
        return cls(location, publish_timeout=publish_timeout, clock=clock)

    def publish(self, publications: Sequence[Publication]) -> None:
        now = self._clock.timestamp()
        if len(publications) == 1:
            self._database.execute(INSERT_MESSAGE, message_row(publications[0], now))
        elif publications:
            self._publish_many(publications, now)

    def _publish_many(self, publications: Sequence[Publication], now: float) -> None:
        rows = [message_row(publication, now) for publication in publications]

        def insert_all(connection: sqlite3.Connection) -> None:
            connection.executemany(INSERT_MESSAGE, rows)

        self._database.write(insert_all)

    def lease(self, node: str, *, duration: timedelta, results: JointResults | None = None) -> SqliteLease:
        return SqliteLease(self._database, node, duration=duration, results=results, clock=self._clock)

    def close(self) -> None:
        self._database.close()


def _translate(diagnosis: Diagnosis) -> Exception:
    if diagnosis.configuration:
        return ConfigurationError(f"The sqlite broker: {diagnosis.reason}")
    if diagnosis.passing:
        return BrokerUnavailable("sqlite", diagnosis.reason)
    return BrokerError(f"The sqlite broker: {diagnosis.reason}")
