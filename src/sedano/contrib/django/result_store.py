"""Results in the site's database, read and written on Django's own connection: ``django://default``.

Opened by ``results.opening`` in the site and in the children of a node, so that a test or a view sees within
its transaction what was stored in it. Nodes store results through the vendor's own store, in the step that
settles.
"""

import json
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final, cast

from django.db import connections, transaction

from sedano.clock import Clock
from sedano.contrib.django.async_context import in_async_context
from sedano.contrib.django.async_results import DjangoAsyncResults
from sedano.contrib.django.groups import DjangoGroups
from sedano.contrib.django.result_errors import translated_errors
from sedano.contrib.django.vendors import SCHEME, alias_in, in_memory, own_url, vendor_of
from sedano.errors import ResultStoreError
from sedano.results.group_store import GroupStore
from sedano.results.opening import open_result_store
from sedano.results.result_write import ResultWrite
from sedano.results.store import JointResults, ResultStore

#: How often to look for a result in a database that only this process has. Seconds.
_LOOK_AGAIN: Final = 0.05


class DjangoResultStore:
    """A ``ResultStore``.

    Args:
        url: Names the database's alias.
        options: Of the vendor's own store.
        timeout: Of the vendor's own store.
    """

    name = SCHEME
    push = True

    def __init__(self, url: str, *, options: Mapping[str, Any], timeout: timedelta, clock: Clock) -> None:
        self._url = url
        self._alias = alias_in(url)
        self._options = options
        self._timeout = timeout
        self._clock = clock
        self._own: tuple[str, ResultStore] | None = None
        self._groups = DjangoGroups(self._alias, clock, lambda: self._own_store().groups)
        self.groups: GroupStore = self._groups
        vendor_of(self._alias)

    @classmethod
    def from_url(
        cls, url: str, *, options: Mapping[str, Any], timeout: timedelta, clock: Clock, base_dir: Path
    ) -> "DjangoResultStore":
        """As ``results.opening`` calls it."""
        return cls(url, options=options, timeout=timeout, clock=clock)

    @property
    def location(self) -> str:
        return self._own_store().location

    def put(self, writes: Sequence[ResultWrite]) -> None:
        if in_async_context():
            self._own_store().put(writes)
        elif writes:
            now = self._clock.timestamp()
            rows = [(write.task_id, write.state, write.document, write.expires_at, now) for write in writes]
            with translated_errors(self._alias), transaction.atomic(using=self._alias):
                self._run_many("put", rows)

    def get(self, task_id: str) -> bytes | None:
        if in_async_context():
            return self._own_store().get(task_id)
        with translated_errors(self._alias):
            rows = self._rows("get", task_id, self._clock.timestamp())
        return bytes(rows[0][0]) if rows else None

    def get_many(self, task_ids: Collection[str]) -> Mapping[str, bytes]:
        if in_async_context():
            return self._own_store().get_many(task_ids)
        with translated_errors(self._alias):
            rows = self._rows("get_many", json.dumps(list(task_ids)), self._clock.timestamp())
        return {task_id: bytes(document) for task_id, document in rows}

    def wait(self, task_ids: Collection[str], timeout: float | None) -> None:
        connection = connections[self._alias]
        if in_async_context():
            self._own_store().wait(task_ids, timeout)
        elif (reason := self._never_comes()) is not None:
            raise ResultStoreError(reason)
        elif in_memory(connection):
            time.sleep(_LOOK_AGAIN if timeout is None else min(timeout, _LOOK_AGAIN))
        else:
            self._own_store().wait(task_ids, timeout)

    def _never_comes(self) -> str | None:
        """Why a wait would never end in the transaction that is open here; None where it would."""
        if not connections[self._alias].in_atomic_block or vendor_of(self._alias).sees_commits_of_others:
            return None
        return (
            "Waiting for a result inside transaction.atomic() (or a TestCase) would never end: the "
            "transaction does not see what a worker commits, and what was published in it is not "
            "committed yet. Wait after the transaction, or use TransactionTestCase."
        )

    @cached_property
    def async_results(self) -> DjangoAsyncResults:
        """The way of coroutines."""
        return DjangoAsyncResults(
            cast(ResultStore, self),  # its location is read only
            own_store=self._own_store,
            alias=self._alias,
            never_comes=self._never_comes,
        )

    def forget(self, task_id: str) -> None:
        if in_async_context():
            self._own_store().forget(task_id)
            return
        with translated_errors(self._alias), connections[self._alias].cursor() as cursor:
            cursor.execute(self._statement("forget"), (task_id,))

    def prune(self, *, limit: int = 1000) -> int:
        if in_async_context():
            return self._own_store().prune(limit=limit)
        with translated_errors(self._alias), connections[self._alias].cursor() as cursor:
            cursor.execute(self._statement("prune"), (self._clock.timestamp(), limit))
            pruned = int(cursor.rowcount)
        return pruned + self._groups.prune(limit - pruned)

    def joint_with(self, broker_location: str) -> JointResults | None:
        return self._own_store().joint_with(broker_location)

    def close(self) -> None:
        if self._own is not None:
            self._own[1].close()

    # -- the database

    def _statement(self, name: str) -> str:
        return vendor_of(self._alias).results[name]

    def _rows(self, name: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with connections[self._alias].cursor() as cursor:
            cursor.execute(self._statement(name), parameters)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

    def _run_many(self, name: str, rows: Sequence[tuple[Any, ...]]) -> None:
        with connections[self._alias].cursor() as cursor:
            cursor.executemany(self._statement(name), rows)

    def _own_store(self) -> ResultStore:
        """The vendor's own store. Its place is asked for each time: a test runner moves databases."""
        url = own_url(self._url)
        if self._own is None or self._own[0] != url:
            self.close()
            store = open_result_store(url, options=self._options, timeout=self._timeout, clock=self._clock)
            self._own = (url, store)
        return self._own[1]
