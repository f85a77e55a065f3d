"""Workers of a Django site keep rate limits: each one its own, or all of them one in the site's database."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.django_shop import Shop
from tests.acceptance.workers import wait_until

pytest.importorskip("django")
pytestmark = pytest.mark.acceptance

#: Of the limited tasks, in a second.
RATE = 20.0

ORDERS = 60


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path)
    yield shop
    shop.stop_workers()


def publish(shop: Shop, task: str) -> None:
    shop.run(
        "from django.db import transaction\n"
        "from shop.models import Order\n"
        f"from shop.tasks import {task}\n"
        "with transaction.atomic():\n"
        f"    orders = Order.objects.bulk_create(Order(name='tea') for _ in range({ORDERS}))\n"
        f"    {task}.publish_many((order.pk,) for order in orders)\n"
    )


def starts(shop: Shop) -> list[float]:
    """When each task ran, once all have."""
    wait_until(lambda: len(shop.states()) == ORDERS and not shop.waiting(), what="everything ran")
    assert set(shop.states().values()) == {"SUCCESS"}
    assert list(shop.shipped().values()) == [1] * ORDERS
    documents = shop.rows("SELECT document FROM sedano_result")
    return sorted(json.loads(document)["result"] for (document,) in documents)


def test_the_workers_of_a_site_share_a_limit(shop: Shop) -> None:
    shop.start_worker("-c", "1")
    shop.start_worker("-c", "1")

    publish(shop, "print_label")

    found = starts(shop)
    assert (ORDERS - 1) / (found[-1] - found[0]) <= RATE * 1.1


def test_a_worker_of_a_site_keeps_its_own_limit(shop: Shop) -> None:
    shop.start_worker("-c", "2")

    publish(shop, "wrap")

    found = starts(shop)
    assert (ORDERS - 1) / (found[-1] - found[0]) <= RATE * 1.1
