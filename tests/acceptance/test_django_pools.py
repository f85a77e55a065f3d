"""Django's database in a worker that runs many tasks at once: no connection is shared, none is left open."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.acceptance.test_django_transactions import Shop
from tests.acceptance.workers import wait_until

pytest.importorskip("django")
pytestmark = pytest.mark.acceptance

AT_ONCE = 25

MAKE_ORDERS = """
from shop.models import Order
Order.objects.bulk_create(Order(name=str(n)) for n in range(20))
"""


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path)
    shop.manage("migrate", "--verbosity", "0")
    shop.run(MAKE_ORDERS)
    return shop


@pytest.fixture
def start_worker(shop: Shop) -> Iterator[Callable[[str], psutil.Process]]:
    workers = []
    log = shop.folder / "worker.log"

    def is_ready() -> bool:
        assert workers[-1].poll() is None, log.read_text()
        return " ready." in log.read_text()

    def start(pool: str) -> psutil.Process:
        options = ("worker", "-P", pool, "-c", str(AT_ONCE), "-l", "INFO")
        workers.append(shop.start("-m", "sedano", *options, log=log))
        wait_until(is_ready, what="the worker is ready")
        return psutil.Process(workers[-1].pid)

    yield start
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0, log.read_text()


def open_databases(worker: psutil.Process) -> int:
    """How often the process of the tasks has the site's database open."""
    (zygote,) = worker.children()
    (child,) = zygote.children()
    return sum(file.path.endswith("default.sqlite3") for file in child.open_files())


@pytest.mark.parametrize(
    ("pool", "task"), [("threads", "hold_connection"), ("asyncio", "hold_connection_in_coroutine")]
)
def test_tasks_that_run_at_a_time_share_no_connection(
    shop: Shop, start_worker: Callable[[str], psutil.Process], pool: str, task: str
) -> None:
    worker = start_worker(pool)
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


def test_every_order_is_shipped_once_by_many_threads(
    shop: Shop, start_worker: Callable[[str], psutil.Process]
) -> None:
    worker = start_worker("threads")

    shop.run(
        "from shop.tasks import ship\nfrom shop.models import Order\n"
        "[ship.delay(pk) for pk in Order.objects.values_list('pk', flat=True) for _ in range(10)]\n"
    )

    wait_until(lambda: len(shop.states()) == 200 and not shop.waiting(), what="everything ran")
    assert set(shop.states().values()) == {"SUCCESS"}
    assert set(shop.shipped().values()) == {10}
    wait_until(lambda: open_databases(worker) <= 2, timeout=10, what="connections are closed")


def test_coroutines_walk_through_rows_while_others_end(
    shop: Shop, start_worker: Callable[[str], psutil.Process]
) -> None:
    worker = start_worker("asyncio")

    shop.run(
        "from shop.tasks import count_orders, walk_orders\n"
        "for _ in range(20): walk_orders.delay(); count_orders.delay()\n"
    )

    wait_until(lambda: len(shop.states()) == 40 and not shop.waiting(), what="everything ran")
    assert set(shop.states().values()) == {"SUCCESS"}
    assert set(shop.shipped().values()) == {20}
    wait_until(lambda: open_databases(worker) <= 2, timeout=10, what="connections are closed")
