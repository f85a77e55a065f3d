"""Connections round an attempt are treated as they are round a request."""

import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest
from asgiref.sync import SyncToAsync
from django.core.cache import caches
from django.db import connection, transaction
from django.test import TransactionTestCase
from shop.tasks import count_orders, ship

from sedano import current_app, signals
from sedano.contrib.django import connection_care
from sedano.tasks.request import Context
from sedano.tasks.task import Task


def attempt(task: Task, **request: object) -> AbstractContextManager[None]:
    return connection_care.around_attempt(task, Context(**request))


class TestConnectionCare(TransactionTestCase):
    @pytest.fixture(autouse=True)
    def _no_connection_is_left(self) -> Iterator[None]:
        yield
        connection.close()

    def test_a_connection_that_may_not_last_is_closed_after_the_attempt(self) -> None:
        with attempt(ship):
            connection.ensure_connection()
            open_within = connection.connection is not None

        assert open_within
        assert connection.connection is None

    def test_a_connection_that_may_last_is_kept(self) -> None:
        self.set_max_age(None)
        with attempt(ship):
            connection.ensure_connection()
            within = connection.connection

        assert connection.connection is within
        self.set_max_age(0)

    def test_a_connection_that_grew_too_old_is_closed_before_the_attempt(self) -> None:
        connection.ensure_connection()
        connection.close_at = 0.0

        with attempt(ship):
            assert connection.connection is None

    def test_it_is_closed_after_an_attempt_that_fails_too(self) -> None:
        with pytest.raises(ZeroDivisionError), attempt(ship):
            connection.ensure_connection()
            raise ZeroDivisionError

        assert connection.connection is None

    def test_an_eager_task_leaves_the_callers_connections_alone(self) -> None:
        connection.ensure_connection()

        with attempt(ship, is_eager=True):
            pass

        assert connection.connection is not None

    def test_a_connection_with_an_open_transaction_is_left_alone(self) -> None:
        with transaction.atomic():
            with attempt(ship):
                pass

            assert connection.connection is not None

    def test_a_coroutines_connections_are_closed_in_the_thread_that_runs_its_queries(self) -> None:
        thread = SyncToAsync.single_thread_executor
        with attempt(count_orders):
            thread.submit(lambda: connection.ensure_connection()).result()
            open_within = thread.submit(lambda: connection.connection is not None).result()

        assert open_within
        assert thread.submit(lambda: connection.connection is None).result()

    def test_caches_are_closed_after_the_attempt(self) -> None:
        closed = threading.Event()
        caches["default"].close = closed.set

        with attempt(ship):
            assert not closed.is_set()

        assert closed.is_set()
        del caches["default"].close

    def test_every_application_is_surrounded_by_it(self) -> None:
        assert connection_care.around_attempt in current_app.around_attempt

    @pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
    def test_a_new_child_forgets_its_parents_connection_without_closing_it(self) -> None:
        connection.ensure_connection()
        parents = connection.connection

        child = os.fork()
        if child == 0:
            signals.worker_process_init.send("sedano@host")
            forgotten = connection.connection is None
            still_open = parents.execute("SELECT 1").fetchone() == (1,)
            os._exit(0 if forgotten and still_open else 1)

        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

    def test_the_solo_pool_keeps_its_connection(self) -> None:
        connection.ensure_connection()

        signals.worker_process_init.send("sedano@host")

        assert connection.connection is not None

    def test_nothing_is_open_when_a_child_is_forked(self) -> None:
        connection.ensure_connection()

        signals.worker_before_create_process.send("sedano@host")

        assert connection.connection is None

    def set_max_age(self, seconds: int | None) -> None:
        connection.close()
        connection.settings_dict["CONN_MAX_AGE"] = seconds
