"""The shop's pages."""

from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.urls import path

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


urlpatterns = [path("orders/", place_order), path("async-orders/", place_order_async)]
