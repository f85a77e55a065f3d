"""Tasks of a Django site with a real worker run when, and only when, their transaction was committed."""

import json
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.workers import wait_until
from tests.unit.django.suite.shop_process import ShopProcess

pytest.importorskip("django")
pytestmark = pytest.mark.acceptance

PLACE_ORDERS = """
from django.db import transaction
from shop.models import Order
from shop.tasks import ship
"""


class Shop(ShopProcess):
    """The site in a folder, its database, and its worker."""

    def rows(self, query: str) -> list[Any]:
        database = sqlite3.connect(self.folder / "default.sqlite3", timeout=20)
        found = database.execute(query).fetchall()
        database.close()
        return found

    def start(self, *arguments: str, log: Path) -> "subprocess.Popen[bytes]":
        with log.open("wb") as output:
            return subprocess.Popen(
                [sys.executable, *arguments],
                cwd=self.folder,
                env=self.environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def shipped(self) -> dict[int, int]:
        """How often each order was shipped."""
        return dict(self.rows("SELECT id, shipped FROM shop_order"))

    def states(self) -> dict[str, str]:
        return dict(self.rows("SELECT task_id, state FROM sedano_result"))

    def waiting(self) -> int:
        return self.rows("SELECT count(*) FROM sedano_message")[0][0]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path)
    shop.manage("migrate", "--verbosity", "0")
    return shop


@pytest.fixture
def start_worker(shop: Shop) -> Iterator[Callable[[], None]]:
    workers: list[subprocess.Popen[bytes]] = []
    log = shop.folder / "worker.log"

    def is_ready() -> bool:
        assert workers[-1].poll() is None, log.read_text()
        return " ready." in log.read_text()

    def start() -> None:
        workers.append(shop.start("-m", "sedano", "worker", "-c", "2", "-l", "INFO", log=log))
        wait_until(is_ready, what="the worker is ready")

    yield start
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0, log.read_text()


def test_what_was_rolled_back_never_runs_and_what_was_committed_runs_once(
    shop: Shop, start_worker: Callable[[], None]
) -> None:
    start_worker()

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


def test_a_site_killed_before_the_commit_leaves_no_task_and_after_it_one(
    shop: Shop, start_worker: Callable[[], None]
) -> None:
    start_worker()
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


def test_a_site_killed_anywhere_has_a_task_for_every_order_and_no_other(
    shop: Shop, start_worker: Callable[[], None]
) -> None:
    start_worker()
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


def test_what_was_published_before_the_worker_came_up_is_run(
    shop: Shop, start_worker: Callable[[], None]
) -> None:
    shop.run(PLACE_ORDERS + "ship.delay(Order.objects.create(name='tea').pk)")

    start_worker()

    wait_until(lambda: shop.shipped() == {1: 1}, what="the order is shipped")


def test_a_task_publishes_within_a_transaction_of_its_own(
    shop: Shop, start_worker: Callable[[], None]
) -> None:
    start_worker()

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


def test_coroutine_tasks_use_the_database_and_publish(shop: Shop, start_worker: Callable[[], None]) -> None:
    start_worker()

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


def test_every_attempt_gets_a_connection_without_an_open_transaction(
    shop: Shop, start_worker: Callable[[], None]
) -> None:
    start_worker()

    said = shop.run(
        "from shop.tasks import connection_number\n"
        "found = [connection_number.delay().get(timeout=30) for _ in range(6)]\n"
        "print([in_transaction for _, in_transaction, _ in found])"
    )

    assert said.strip() == str([False] * 6)
