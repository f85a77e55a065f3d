"""Coroutines of the site publish and wait on Django's own connection, where its transactions are."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, transaction
from django.test import TestCase, TransactionTestCase
from shop.models import Order
from shop.tasks import ship

from sedano import AsyncResult, Sedano, Task, current_app, group
from sedano.contrib.django.models import Message
from sedano.errors import NotSupported, ResultStoreError
from sedano.results.result_write import ResultWrite

ANSWER = b'{"status": "SUCCESS", "result": 42}'


@asynccontextmanager
async def atomic() -> AsyncIterator[None]:
    """A transaction for coroutines, as some libraries have it: on the thread of their queries."""
    block = transaction.atomic()
    await sync_to_async(block.__enter__)()
    try:
        yield
    except BaseException as error:
        await sync_to_async(block.__exit__)(type(error), error, None)
        raise
    await sync_to_async(block.__exit__)(None, None, None)


class TestInATestCase(TestCase):
    """All of these run in a transaction that is rolled back."""

    async def test_what_a_coroutine_publishes_is_in_the_transaction_of_the_test(self) -> None:
        result = await ship.adelay(1)

        assert (await Message.objects.aget()).task_id == result.id
        assert await sync_to_async(lambda: connection.in_atomic_block)()

    async def test_many_calls_and_workflows_are_too(self) -> None:
        await ship.apublish_many([(1,), (2,)])
        await group(ship.s(3), ship.s(4)).aapply_async()

        assert await Message.objects.acount() == 4

    async def test_calls_are_taken_from_a_query(self) -> None:
        await Order.objects.abulk_create([Order(name="tea"), Order(name="milk")])

        await ship.apublish_many((pk,) async for pk in Order.objects.values_list("pk", flat=True).aiterator())

        assert await Message.objects.acount() == 2

    async def test_a_result_of_the_transaction_is_seen_and_waiting_for_another_is_refused(self) -> None:
        await sync_to_async(current_app.results.put)([ResultWrite("here", "SUCCESS", ANSWER)])

        assert await AsyncResult("here").aget(timeout=5) == 42
        assert await AsyncResult("here").astate() == "SUCCESS"
        with pytest.raises(ResultStoreError, match="would never end"):
            await AsyncResult("elsewhere").aget(timeout=5)

    async def test_a_task_is_revoked_and_forgotten(self) -> None:
        await sync_to_async(current_app.results.put)([ResultWrite("here", "SUCCESS", ANSWER)])
        result = AsyncResult("here")

        await result.aforget()

        assert await result.astate() == "PENDING"

    async def test_eager_tasks_use_the_connection_of_the_test(self) -> None:
        order = await Order.objects.acreate(name="tea")

        with self.settings(CELERY_TASK_ALWAYS_EAGER=True):
            result = await ship.adelay(order.pk)

        assert await result.aget() == "tea"

    async def test_a_view_that_awaits_its_call_publishes_in_the_transaction_of_the_test(self) -> None:
        answer = await self.async_client.get("/awaited-calls/")

        assert answer.json() == {"task": (await Message.objects.aget()).task_id, "state": "PENDING"}


class TestInTransactions(TransactionTestCase):
    async def test_the_message_is_committed_with_the_order(self) -> None:
        async with atomic():
            order = await Order.objects.acreate(name="tea")
            await ship.adelay(order.pk)
            seen_by_others = await asyncio.to_thread(current_app.broker.admin.peek, "celery")

        assert seen_by_others == []
        assert await Message.objects.acount() == await Order.objects.acount() == 1

    async def test_the_message_is_rolled_back_with_the_order(self) -> None:
        with pytest.raises(ZeroDivisionError):
            async with atomic():
                order = await Order.objects.acreate(name="tea")
                await ship.adelay(order.pk)
                raise ZeroDivisionError

        assert await Message.objects.acount() == await Order.objects.acount() == 0

    async def test_a_message_cannot_leave_its_transaction(self) -> None:
        with pytest.raises(NotSupported, match="on_commit=False"):
            await ship.aapply_async((1,), on_commit=False)

    async def test_a_view_publishes_in_the_transaction_of_what_it_calls(self) -> None:
        answer = await self.async_client.get("/awaited-orders/")

        message = await Message.objects.aget()
        assert answer.json() == {"tasks": [message.task_id]}

    async def test_a_view_that_awaits_its_call_publishes_for_everybody_at_once(self) -> None:
        answer = await self.async_client.get("/awaited-calls/")

        found = await asyncio.to_thread(current_app.broker.admin.find, answer.json()["task"])
        assert found is not None

    async def test_a_call_that_a_view_awaits_in_a_transaction_is_committed_with_it(self) -> None:
        answer = await self.async_client.get("/awaited-calls-in-transactions/")

        assert (await Message.objects.aget()).task_id == answer.json()["task"]
        assert await Order.objects.acount() == 1

    async def test_a_call_that_a_view_awaits_in_a_transaction_is_rolled_back_with_it(self) -> None:
        await self.async_client.get("/awaited-calls-in-transactions/?fail=1")

        assert await Message.objects.acount() == await Order.objects.acount() == 0

    async def test_waiting_ends_when_a_worker_commits_the_result(self) -> None:
        results = current_app.results
        waiting = [asyncio.ensure_future(AsyncResult(str(n)).aget(timeout=20)) for n in range(50)]
        await asyncio.sleep(0)

        await sync_to_async(results.put)([ResultWrite(str(n), "SUCCESS", ANSWER) for n in range(50)])

        assert await asyncio.gather(*waiting) == [42] * 50


class TestOutsideTheDatabase(TransactionTestCase):
    @pytest.fixture(autouse=True)
    def _app(self) -> Iterator[None]:
        with Sedano("outside", broker="memory://", set_as_current=False) as app:

            @app.task(name="add")
            def add(x: int, y: int) -> int:
                return x + y

            self.app = app
            self.add: Task[[int, int], int] = add
            yield

    def waiting(self) -> list[str]:
        return [message.task_id for message in self.app.broker.admin.peek("celery")]

    async def test_the_message_leaves_when_the_transaction_commits(self) -> None:
        async with atomic():
            result = await self.add.adelay(1, 2)
            before = self.waiting()

        assert before == []
        assert self.waiting() == [result.id]

    async def test_the_message_of_a_transaction_that_is_rolled_back_never_leaves(self) -> None:
        with pytest.raises(ZeroDivisionError):
            async with atomic():
                await self.add.adelay(1, 2)
                raise ZeroDivisionError

        assert self.waiting() == []

    async def test_without_a_transaction_it_leaves_at_once(self) -> None:
        result = await self.add.adelay(1, 2)

        assert self.waiting() == [result.id]

    async def test_one_call_need_not_wait(self) -> None:
        async with atomic():
            result = await self.add.aapply_async((1, 2), on_commit=False)
            before = self.waiting()

        assert before == [result.id]
