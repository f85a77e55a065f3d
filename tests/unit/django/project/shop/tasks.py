"""The shop's tasks."""

import asyncio
import os
import time
from pathlib import Path

from asgiref.sync import sync_to_async
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
def stocktaking(names):
    """The body of a chord."""
    return sorted(names)


@shared_task(rate_limit="20/s", rate_limit_scope="cluster")
def print_label(order_id):
    """There is one printer for all workers."""
    Order.objects.filter(pk=order_id).update(shipped=F("shipped") + 1)
    return time.time()


@shared_task(rate_limit="20/s")
def wrap(order_id):
    """Every worker has its own hands."""
    Order.objects.filter(pk=order_id).update(shipped=F("shipped") + 1)
    return time.time()


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


def raw_connection():
    """Which connection the calling thread uses."""
    connection.ensure_connection()
    return id(connection.connection)


@shared_task
def hold_connection(seconds):
    """Keeps a connection for a while; asks with it before and after."""
    number = raw_connection()
    Order.objects.count()
    time.sleep(seconds)
    Order.objects.count()
    return number, raw_connection()


@shared_task
async def hold_connection_in_coroutine(seconds):
    """The same, in a coroutine."""
    number = await sync_to_async(raw_connection)()
    await Order.objects.acount()
    await asyncio.sleep(seconds)
    return number, await sync_to_async(raw_connection)()


@shared_task
async def walk_orders():
    """Goes through the orders, one row at a time, while other coroutines ask and end."""
    seen = []
    async for order in Order.objects.all().aiterator(chunk_size=1):
        seen.append(order.pk)
        await asyncio.sleep(0.01)
    await Order.objects.filter(pk__in=seen).aupdate(shipped=F("shipped") + 1)


@shared_task
def wait_for_file(name):
    """Runs until somebody makes the file."""
    while not (Path(os.environ["SHOP_FOLDER"]) / name).exists():
        time.sleep(0.01)
