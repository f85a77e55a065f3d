"""Messages in the site's database, written on Django's own connection: ``django://default``.

Opened by ``brokers.opening`` in every process that publishes: the site, the shell, the children of a node.
The row is part of the caller's transaction and is rolled back with it. Nodes claim and settle through the
vendor's own broker, on the same tables.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import DatabaseError, connections, transaction
from django.db.transaction import TransactionManagementError

from sedano.brokers.admin import BrokerAdmin
from sedano.brokers.async_publishing import AsyncPublishing, SyncPublishing
from sedano.brokers.broker import Broker
from sedano.brokers.features import BrokerFeatures
from sedano.brokers.lease import Lease
from sedano.brokers.opening import open_broker
from sedano.brokers.publication import Publication
from sedano.brokers.ticks import TickStore
from sedano.clock import Clock
from sedano.contrib.django.async_context import in_async_context
from sedano.contrib.django.query_place import in_query_thread
from sedano.contrib.django.vendors import SCHEME, alias_in, own_url, vendor_of
from sedano.errors import BrokerError, BrokerUnavailable, ConfigurationError
from sedano.results.store import JointResults
from sedano.sql.message_row import message_row
from sedano.sql.sqlite_diagnosis import Diagnosis


class DjangoBroker:
    """A ``Broker``.

    How long publishing waits for the database is up to the database's own settings in ``DATABASES``, as for
    every other statement of the site.

    Args:
        url: Names the database's alias.
        options: Of the vendor's own broker.
        publish_timeout: Of the vendor's own broker.
    """

    name = SCHEME
    features = BrokerFeatures(
        transactional_publish=True,
        joint_results=True,
        priority_levels=256,
        push=True,
        claims_by_task=True,
        durable=True,
        shared_rates=True,
    )

    def __init__(
        self, url: str, *, options: Mapping[str, Any], publish_timeout: timedelta, clock: Clock
    ) -> None:
        self._url = url
        self._alias = alias_in(url)
        self._options = options
        self._publish_timeout = publish_timeout
        self._clock = clock
        self._own: tuple[str, Broker] | None = None
        #: Of coroutines: in the thread that has the connection, and the transaction that may be open on it.
        self.async_publishing: AsyncPublishing = SyncPublishing(self.publish, in_query_thread)
        vendor_of(self._alias)

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        options: Mapping[str, Any],
        publish_timeout: timedelta,
        clock: Clock,
        base_dir: Path,
    ) -> "DjangoBroker":
        """As ``brokers.opening`` calls it."""
        return cls(url, options=options, publish_timeout=publish_timeout, clock=clock)

    @property
    def location(self) -> str:
        return self._own_broker().location

    @property
    def admin(self) -> BrokerAdmin:
        return self._own_broker().admin

    @property
    def ticks(self) -> TickStore | None:
        return self._own_broker().ticks

    def publish(self, publications: Sequence[Publication]) -> None:
        if in_async_context():
            # Django refuses its connections to coroutines. No transaction is open here that could be joined.
            self._own_broker().publish(publications)
            return
        connection = connections[self._alias]
        now = self._clock.timestamp()
        rows = [message_row(publication, now) for publication in publications]
        try:
            self._insert(connection, rows)
        except TransactionManagementError:
            raise
        except DatabaseError as error:
            raise _translated(vendor_of(self._alias).diagnose(connection, error), self._alias) from error

    def _insert(self, connection: Any, rows: Sequence[tuple[Any, ...]]) -> None:
        statement = vendor_of(self._alias).insert_message
        if len(rows) == 1:
            with connection.cursor() as cursor:
                cursor.execute(statement, rows[0])
        elif rows:
            with transaction.atomic(using=self._alias), connection.cursor() as cursor:
                cursor.executemany(statement, rows)

    def lease(self, node: str, *, duration: timedelta, results: JointResults | None = None) -> Lease:
        return self._own_broker().lease(node, duration=duration, results=results)

    def close(self) -> None:
        if self._own is not None:
            self._own[1].close()

    def _own_broker(self) -> Broker:
        """The vendor's own broker. Its place is asked for each time: a test runner moves databases."""
        url = own_url(self._url)
        if self._own is None or self._own[0] != url:
            self.close()
            broker = open_broker(
                url, options=self._options, publish_timeout=self._publish_timeout, clock=self._clock
            )
            self._own = (url, broker)
        return self._own[1]


def _translated(diagnosis: Diagnosis, alias: str) -> Exception:
    if diagnosis.configuration:
        return ConfigurationError(f"The queue in the database {alias!r}: {diagnosis.reason}")
    if diagnosis.passing:
        return BrokerUnavailable(SCHEME, diagnosis.reason)
    return BrokerError(f"The queue in the database {alias!r}: {diagnosis.reason}")
