"""Publishing and asking from coroutines, where Django refuses its own connections."""

import asyncio

from django.test import TransactionTestCase
from shop.tasks import ship

from sedano import AsyncResult, current_app
from sedano.contrib.django.models import Message
from sedano.results.result_write import ResultWrite


class TestCoroutines(TransactionTestCase):
    def test_a_coroutine_publishes(self) -> None:
        async def publish() -> str:
            return ship.delay(1).id

        task_id = asyncio.run(publish())

        assert Message.objects.get().task_id == task_id

    def test_a_coroutine_asks_for_a_result(self) -> None:
        current_app.results.put([ResultWrite("1", "SUCCESS", b'{"status": "SUCCESS", "result": 42}')])

        async def ask() -> tuple[str, int]:
            result = AsyncResult("1")
            return result.state, result.get(timeout=1)

        assert asyncio.run(ask()) == ("SUCCESS", 42)

    def test_a_coroutine_stores_and_forgets_results(self) -> None:
        results = current_app.results

        async def store() -> tuple[dict[str, bytes], int, bytes | None]:
            results.put([ResultWrite("1", "SUCCESS", b"1"), ResultWrite("2", "SUCCESS", b"2", 1.0)])
            found = dict(results.get_many(["1", "2"]))
            pruned = results.prune()
            results.forget("1")
            results.wait(["1"], 0.0)
            return found, pruned, results.get("1")

        assert asyncio.run(store()) == ({"1": b"1"}, 1, None)

    async def test_an_async_view_publishes(self) -> None:
        answer = await self.async_client.get("/async-orders/")

        message = await Message.objects.aget()
        assert answer.json() == {"task": message.task_id, "state": "PENDING"}
