"""Tasks in the tests of a Django site: ``class OrderTests(RunsTasks, TestCase)``.

For users. In a ``TestCase`` no transaction is ever committed, so what waits for a commit is sent when the
test asks for its tasks. Never commits anything.
"""

import logging
import unittest
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import DEFAULT_DB_ALIAS, connections

from sedano.current import get_current_app
from sedano.testing import published_task as looking
from sedano.testing.app_in_memory import in_memory
from sedano.testing.clock import ManualClock
from sedano.testing.idle import run_until_idle
from sedano.testing.published_task import PublishedTask
from sedano.testing.task_run import TaskRun

if TYPE_CHECKING:
    from sedano.app import Sedano
    from sedano.tasks.task import Task

logger = logging.getLogger("sedano")


class OpenTransactions:
    """The transactions that were open when this was made, and that the test framework will roll back.

    What waits for one of them to be committed can be called all the same, each function once.
    """

    def __init__(self, *, with_earlier: bool = False) -> None:
        """
        Args:
            with_earlier: What has been waiting for them before this was made, counts as well.
        """
        self._first = {one.alias: 0 if with_earlier else len(one.run_on_commit) for one in _connections()}
        self._around = {one.alias: set(one.savepoint_ids) for one in _connections()}

    def commit(self) -> None:
        """Call what would have been called if they had been committed now.

        What was registered in an ``atomic`` block that is still open, waits; what was in one that was rolled
        back is gone.
        """
        for connection in _connections():
            while waiting := self._waiting(connection):
                for entry in waiting:
                    connection.run_on_commit.remove(entry)
                for _, function, is_robust in waiting:
                    _call(function, is_robust)

    def _waiting(self, connection: Any) -> list[Any]:
        inner = set(connection.savepoint_ids) - self._around.get(connection.alias, set())
        first = self._first.get(connection.alias, 0)
        return [entry for entry in connection.run_on_commit[first:] if not entry[0] & inner]


def _connections() -> list[Any]:
    return list(connections.all(initialized_only=True))


def _call(function: Any, is_robust: bool) -> None:
    try:
        function()
    except Exception:
        if not is_robust:
            raise
        logger.exception("Error calling %r in on_commit()", function)


class SiteRunner:
    """``run_until_idle`` for an application of a site: the fixture ``sedano_run``."""

    def __init__(self, app: "Sedano") -> None:
        self._app = app
        self._transactions: OpenTransactions | None = None

    def __call__(self, **options: Any) -> list[TaskRun]:
        """Call what waits for the test's transactions, and run what has been published."""
        if self._transactions is None:
            # Now, because the fixture that opens them may come after the one that makes this.
            self._transactions = OpenTransactions(with_earlier=True)
        return run_until_idle(self._app, between=self._transactions.commit, **options)


class RunsTasks(unittest.TestCase):
    """For a ``TestCase`` or ``TransactionTestCase``: tasks are published in memory, and run when it says so.

    ::

        class OrderTests(RunsTasks, TestCase):
            def test_a_receipt_is_sent(self):
                self.client.post("/orders/", {...})
                self.runTasks()
                self.assertEqual(len(mail.outbox), 1)
    """

    #: The application; None means the current one.
    sedano_app: "ClassVar[Sedano | None]" = None
    #: Settings meanwhile, such as ``{"task_time_limit": 5}``.
    sedano_settings: ClassVar[Mapping[str, Any]] = {}
    #: The application's clock in this test. It stands still unless it is turned.
    sedano_clock: ManualClock
    #: The application in this test.
    sedano: "Sedano"

    def run(self, result: unittest.TestResult | None = None) -> unittest.TestResult | None:
        """As the test runner calls it, after the test's transactions have been opened."""
        self.sedano_clock = ManualClock.from_present()
        app = self.sedano_app or get_current_app()
        with in_memory(app, clock=self.sedano_clock, **self.sedano_settings) as self.sedano:
            self._transactions = OpenTransactions()
            return super().run(result)

    def runTasks(
        self,
        *,
        queues: Sequence[str] | None = None,
        advance: timedelta | float | None = None,
        to_end: bool = False,
        raise_errors: bool = True,
        most: int = 10_000,
    ) -> list[TaskRun]:
        """Run what has been published, and what follows from it: ``run_until_idle``.

        What waits for the test's transaction is published first, and so is what tasks leave for a commit.

        Args:
            queues: As for ``run_until_idle``, and so are the others.
        """
        return run_until_idle(
            self.sedano,
            queues=queues,
            advance=advance,
            to_end=to_end,
            raise_errors=raise_errors,
            most=most,
            between=self._transactions.commit,
        )

    def published(
        self,
        task: "Task[..., Any] | str | None" = None,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        *,
        queue: str | None = None,
    ) -> list[PublishedTask]:
        """What has been published and has not been run: ``sedano.testing.published``."""
        self._transactions.commit()
        return looking.published(self.sedano, task, args, kwargs, queue=queue)

    def assertPublished(
        self,
        task: "Task[..., Any] | str | None" = None,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        *,
        queue: str | None = None,
        count: int | None = None,
    ) -> PublishedTask:
        """``sedano.testing.assert_published``."""
        __tracebackhide__ = True
        self._transactions.commit()
        return looking.assert_published(self.sedano, task, args, kwargs, queue=queue, count=count)

    def assertNotPublished(
        self,
        task: "Task[..., Any] | str | None" = None,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        *,
        queue: str | None = None,
    ) -> None:
        """``sedano.testing.assert_not_published``."""
        __tracebackhide__ = True
        self._transactions.commit()
        looking.assert_not_published(self.sedano, task, args, kwargs, queue=queue)

    @classmethod
    @contextmanager
    def captureOnCommitCallbacks(
        cls, *, using: str = DEFAULT_DB_ALIAS, execute: bool = False
    ) -> Iterator[list[Any]]:
        """Django's; what it has called is not called again by ``runTasks``."""
        first = len(connections[using].run_on_commit)
        with super().captureOnCommitCallbacks(using=using, execute=execute) as callbacks:  # type: ignore[misc]
            yield callbacks
        if execute:
            del connections[using].run_on_commit[first:]
