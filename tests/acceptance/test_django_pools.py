"""Django's database in a worker that runs many tasks at once: no connection is shared, none is left open."""

import json
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.acceptance.django_shop import Shop
from tests.acceptance.workers import wait_until

pytest.importorskip("django")
pytestmark = pytest.mark.acceptance

AT_ONCE = 25

MAKE_ORDERS = """
from shop.models import Order
Order.objects.bulk_create(Order(name=str(n)) for n in range(20))
"""

SHIP_ALL = """
from shop.models import Order
from shop.tasks import ship, walk_orders
for _ in range(10): ship.publish_many((pk,) for pk in Order.objects.values_list("pk", flat=True))
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path)
    shop.run(MAKE_ORDERS)
    yield shop
    shop.stop_workers()


def open_databases(worker: psutil.Process) -> int:
    """How often the process of the tasks has the site's database open."""
    (zygote,) = worker.children()
    (child,) = zygote.children()
    return sum(file.path.endswith("default.sqlite3") for file in child.open_files())


@pytest.mark.parametrize(
    ("pool", "task"), [("threads", "hold_connection"), ("asyncio", "hold_connection_in_coroutine")]
)
def test_tasks_that_run_at_a_time_share_no_connection(shop: Shop, pool: str, task: str) -> None:
    worker = shop.start_worker("-P", pool, "-c", str(AT_ONCE))
    shop.run(f"from shop.tasks import {task}\n[{task}.delay(1.5) for _ in range({AT_ONCE})]\n")

    wait_until(lambda: list(shop.states().values()) == ["SUCCESS"] * AT_ONCE, what="all have ended")

    said = shop.run(
        "from sedano.contrib.django.models import Result\nimport json\n"
        "print(json.dumps([json.loads(bytes(r.document))['result'] for r in Result.objects.all()]))"
    )
    used = json.loads(said)
    assert all(before == after for before, after in used)
    assert len({before for before, _ in used}) == AT_ONCE
    wait_until(lambda: open_databases(worker) <= 2, timeout=10, what="connections are closed")


@pytest.mark.parametrize(
    "options", [("-c", "2"), ("-P", "prefork=2,threads=10"), ("-P", "solo")], ids=" ".join
)
def test_every_order_is_shipped_once_in_every_pool(shop: Shop, options: tuple[str, ...]) -> None:
    shop.start_worker(*options)

    shop.run(SHIP_ALL + "for _ in range(20): walk_orders.delay()\n")

    wait_until(lambda: len(shop.states()) == 220 and not shop.waiting(), what="everything ran")
    assert set(shop.states().values()) == {"SUCCESS"}
    assert set(shop.shipped().values()) == {30}


def test_every_order_is_shipped_once_by_many_threads(shop: Shop) -> None:
    worker = shop.start_worker("-P", "threads", "-c", str(AT_ONCE))

    shop.run(SHIP_ALL)

    wait_until(lambda: len(shop.states()) == 200 and not shop.waiting(), what="everything ran")
    assert set(shop.states().values()) == {"SUCCESS"}
    assert set(shop.shipped().values()) == {10}
    wait_until(lambda: open_databases(worker) <= 2, timeout=10, what="connections are closed")


def test_coroutines_walk_through_rows_while_others_end(shop: Shop) -> None:
    worker = shop.start_worker("-P", "asyncio", "-c", str(AT_ONCE))

    shop.run(
        "from shop.tasks import count_orders, walk_orders\n"
        "for _ in range(20): walk_orders.delay(); count_orders.delay()\n"
    )

    wait_until(lambda: len(shop.states()) == 40 and not shop.waiting(), what="everything ran")
    assert set(shop.states().values()) == {"SUCCESS"}
    assert set(shop.shipped().values()) == {20}
    wait_until(lambda: open_databases(worker) <= 2, timeout=10, what="connections are closed")
