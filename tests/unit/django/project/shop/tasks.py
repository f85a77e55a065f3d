"""The shop's tasks."""

import os
import time
from pathlib import Path

from django.db import connection, transaction
from django.db.models import F

from sedano import shared_task
from shop.models import Order


@shared_task
def ship(order_id):
    """Raises DoesNotExist when it runs before the order is committed."""
    order = Order.objects.get(pk=order_id)
    Order.objects.filter(pk=order_id).update(shipped=F("shipped") + 1)
    return order.name


@shared_task
def ship_later(order_id):
    """Publishes from within a transaction of the worker's."""
    with transaction.atomic():
        Order.objects.get(pk=order_id)
        return ship.delay(order_id).id


@shared_task
def connection_number():
    """Which connection this process uses, and whether a transaction is open in it."""
    connection.ensure_connection()
    return id(connection.connection), connection.in_atomic_block, os.getpid()


@shared_task
async def count_orders():
    """Asks the database from a coroutine."""
    return await Order.objects.acount()


@shared_task
async def ship_from_coroutine(order_id):
    """Publishes from a coroutine."""
    return ship.delay(order_id).id


@shared_task
def wait_for_file(name):
    """Runs until somebody makes the file."""
    while not (Path(os.environ["SHOP_FOLDER"]) / name).exists():
        time.sleep(0.01)
