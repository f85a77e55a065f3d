"""Connections round an attempt are treated as they are round a request."""

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest
from asgiref.sync import sync_to_async
from django.core.cache import caches
from django.db import connection, transaction
from django.test import TransactionTestCase
from shop.models import Order
from shop.tasks import count_orders, ship

from sedano import current_app, signals
from sedano.contrib.django import connection_care
from sedano.tasks.request import Context
from sedano.tasks.task import Task


def attempt(task: Task, **request: object) -> AbstractContextManager[None]:
    return connection_care.around_attempt(task, Context(**request))


def raw_connection() -> object:
    return connection.connection


def opened() -> object:
    connection.ensure_connection()
    return connection.connection


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
        async def run() -> list[object]:
            with attempt(count_orders):
                within = await sync_to_async(opened)()
            with attempt(count_orders):
                return [within, await sync_to_async(raw_connection)()]

        within, after = asyncio.run(run())

        assert within is not None
        assert after is None

    def test_coroutines_that_run_at_a_time_share_no_connection(self) -> None:
        async def ask(together: asyncio.Barrier) -> tuple[object, int]:
            with attempt(count_orders):
                before = await sync_to_async(opened)()
                await together.wait()
                assert await sync_to_async(raw_connection)() is before
                return before, await sync_to_async(threading.get_ident)()

        async def run() -> list[tuple[object, int]]:
            together = asyncio.Barrier(5)
            return await asyncio.gather(*(ask(together) for _ in range(5)))

        used = asyncio.run(run())

        assert len({id(raw) for raw, _ in used}) == 5
        assert len({thread for _, thread in used}) == 5

    def test_a_coroutine_that_ends_closes_no_connection_of_another(self) -> None:
        async def loop_over_rows(first_row: asyncio.Event, go_on: asyncio.Event) -> int:
            with attempt(count_orders):
                seen = 0
                async for _ in Order.objects.all().aiterator(chunk_size=1):
                    seen += 1
                    first_row.set()
                    await go_on.wait()
                return seen

        async def run() -> int:
            first_row, go_on = asyncio.Event(), asyncio.Event()
            looping = asyncio.create_task(loop_over_rows(first_row, go_on))
            await first_row.wait()
            with attempt(count_orders):
                await Order.objects.acount()
            go_on.set()
            return await looping

        Order.objects.bulk_create(Order(name=str(n)) for n in range(3))

        assert asyncio.run(run()) == 3

    def test_a_coroutine_that_asks_nothing_starts_no_thread(self) -> None:
        async def run() -> int:
            before = threading.active_count()
            with attempt(count_orders):
                await asyncio.sleep(0)
                return threading.active_count() - before

        assert asyncio.run(run()) == 0

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
