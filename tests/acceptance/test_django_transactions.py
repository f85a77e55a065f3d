"""Tasks of a Django site with a real worker run when, and only when, their transaction was committed."""

import json
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.django_shop import Shop
from tests.acceptance.workers import wait_until

pytest.importorskip("django")
pytestmark = pytest.mark.acceptance

PLACE_ORDERS = """
from django.db import transaction
from shop.models import Order
from shop.tasks import ship
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path)
    yield shop
    shop.stop_workers()


def test_what_was_rolled_back_never_runs_and_what_was_committed_runs_once(shop: Shop) -> None:
    shop.start_worker("-c", "2")

    said = shop.run(
        PLACE_ORDERS
        + """
import json
committed, rolled_back = [], []
for number in range(40):
    try:
        with transaction.atomic():
            task = ship.delay(Order.objects.create(name="tea").pk)
            assert len(task.id) == 36
            if number % 2:
                raise ZeroDivisionError
            committed.append(task.id)
    except ZeroDivisionError:
        rolled_back.append(task.id)
print(json.dumps([committed, rolled_back]))
"""
    )
    committed, rolled_back = json.loads(said)

    wait_until(lambda: shop.waiting() == 0, what="everything ran")
    assert shop.states() == dict.fromkeys(committed, "SUCCESS")
    assert set(shop.shipped().values()) == {1}
    assert len(shop.shipped()) == len(committed) == len(rolled_back) == 20


def test_a_site_killed_before_the_commit_leaves_no_task_and_after_it_one(shop: Shop) -> None:
    shop.start_worker("-c", "2")
    killed_within = PLACE_ORDERS + (
        "import os\n"
        "with transaction.atomic():\n"
        "    ship.delay(Order.objects.create(name='tea').pk)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    killed_after = PLACE_ORDERS + (
        "import os\n"
        "with transaction.atomic():\n"
        "    ship.delay(Order.objects.create(name='coffee').pk)\n"
        "os.kill(os.getpid(), 9)\n"
    )

    shop.run(killed_within, expect=-signal.SIGKILL)
    shop.run(killed_after, expect=-signal.SIGKILL)

    wait_until(lambda: shop.waiting() == 0, what="everything ran")
    assert shop.rows("SELECT name, shipped FROM shop_order") == [("coffee", 1)]
    assert list(shop.states().values()) == ["SUCCESS"]


def test_a_site_killed_anywhere_has_a_task_for_every_order_and_no_other(shop: Shop) -> None:
    shop.start_worker("-c", "2")
    endless = PLACE_ORDERS + (
        "import django\n"
        "while True:\n"
        "    with transaction.atomic():\n"
        "        ship.delay(Order.objects.create(name='tea').pk)\n"
    )
    (shop.folder / "endless.py").write_text("import django; django.setup()\n" + endless)

    for _ in range(4):
        enough = len(shop.shipped()) + random.randint(5, 60)
        site = shop.start("endless.py", log=shop.folder / "site.log")
        wait_until(lambda enough=enough: len(shop.shipped()) >= enough, what="orders are placed")
        site.kill()
        site.wait()

    wait_until(lambda: shop.waiting() == 0, what="everything ran")
    assert set(shop.shipped().values()) == {1}
    assert len(shop.states()) == len(shop.shipped())
    assert set(shop.states().values()) == {"SUCCESS"}


def test_what_was_published_before_the_worker_came_up_is_run(shop: Shop) -> None:
    shop.run(PLACE_ORDERS + "ship.delay(Order.objects.create(name='tea').pk)")

    shop.start_worker("-c", "2")

    wait_until(lambda: shop.shipped() == {1: 1}, what="the order is shipped")


def test_a_task_publishes_within_a_transaction_of_its_own(shop: Shop) -> None:
    shop.start_worker("-c", "2")

    said = shop.run(
        PLACE_ORDERS
        + """
from shop.tasks import ship_later
from sedano import AsyncResult
order = Order.objects.create(name="tea")
print(AsyncResult(ship_later.delay(order.pk).get(timeout=30)).get(timeout=30))
"""
    )

    assert said.strip() == "tea"


def test_coroutine_tasks_use_the_database_and_publish(shop: Shop) -> None:
    shop.start_worker("-c", "2")

    said = shop.run(
        PLACE_ORDERS
        + """
from shop.tasks import count_orders, ship_from_coroutine
from sedano import AsyncResult
order = Order.objects.create(name="tea")
print(count_orders.delay().get(timeout=30))
print(AsyncResult(ship_from_coroutine.delay(order.pk).get(timeout=30)).get(timeout=30))
"""
    )

    assert said.split() == ["1", "tea"]


def test_every_attempt_gets_a_connection_without_an_open_transaction(shop: Shop) -> None:
    shop.start_worker("-c", "2")

    said = shop.run(
        "from shop.tasks import connection_number\n"
        "found = [connection_number.delay().get(timeout=30) for _ in range(6)]\n"
        "print([in_transaction for _, in_transaction, _ in found])"
    )

    assert said.strip() == str([False] * 6)


def test_a_workflow_of_a_transaction_runs_when_that_was_committed_and_as_a_whole(shop: Shop) -> None:
    shop.start_worker("-c", "2")

    said = shop.run(
        PLACE_ORDERS
        + """
from sedano import chord
from shop.tasks import stocktaking

def sell(names):
    orders = [Order.objects.create(name=name) for name in names]
    return chord([ship.s(order.pk) for order in orders], stocktaking.s()).delay()

try:
    with transaction.atomic():
        sell(["coffee", "cake"])
        raise ZeroDivisionError
except ZeroDivisionError:
    pass
with transaction.atomic():
    result = sell(["tea", "milk", "honey"])
print(result.get(timeout=30))
"""
    )

    assert said.strip() == "['honey', 'milk', 'tea']"
    wait_until(lambda: shop.waiting() == 0, what="everything ran")
    assert set(shop.states().values()) == {"SUCCESS"}
    assert len(shop.states()) == 4
    assert set(shop.shipped().values()) == {1}
