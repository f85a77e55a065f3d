"""The shop's pages."""

from asgiref.sync import async_to_sync, sync_to_async
from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.urls import path

from sedano.contrib.django.models import Message
from shop.models import Order
from shop.tasks import ship


def place_order(request: HttpRequest) -> JsonResponse:
    with transaction.atomic():
        order = Order.objects.create(name="tea")
        task = ship.delay(order.pk)
    return JsonResponse({"task": task.id})


async def place_order_async(request: HttpRequest) -> JsonResponse:
    task = ship.delay(1)
    return JsonResponse({"task": task.id, "state": task.state})


@sync_to_async
def record_order() -> Order:
    """What needs a transaction is synchronous in Django."""
    with transaction.atomic():
        order = Order.objects.create(name="tea")
        ship.delay(order.pk)
    return order


async def await_the_call(request: HttpRequest) -> JsonResponse:
    """Outside of any transaction; in a TestCase, in the one of the test."""
    task = await ship.adelay(1)
    return JsonResponse({"task": task.id, "state": await task.astate()})


async def await_the_call_in_a_transaction(request: HttpRequest) -> JsonResponse:
    @sync_to_async
    def place() -> str:
        with transaction.atomic():
            order = Order.objects.create(name="tea")
            task = async_to_sync(ship.adelay)(order.pk)
            transaction.set_rollback("fail" in request.GET)
        return task.id

    return JsonResponse({"task": await place()})


async def place_order_and_await(request: HttpRequest) -> JsonResponse:
    await record_order()
    return JsonResponse({"tasks": [message.task_id async for message in Message.objects.all()]})


urlpatterns = [
    path("admin/", admin.site.urls),
    path("orders/", place_order),
    path("async-orders/", place_order_async),
    path("awaited-orders/", place_order_and_await),
    path("awaited-calls/", await_the_call),
    path("awaited-calls-in-transactions/", await_the_call_in_a_transaction),
]
