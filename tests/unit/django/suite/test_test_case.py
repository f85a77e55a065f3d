"""In a TestCase, whose transaction is never committed, everything that was published and stored is seen."""

import pytest
from django.test import TestCase, override_settings
from shop.models import Order
from shop.tasks import ship

from sedano import AsyncResult, current_app
from sedano.contrib.django.models import Message
from sedano.errors import ResultStoreError
from sedano.results.result_write import ResultWrite


class TestWithinATestCase(TestCase):
    def test_what_was_published_can_be_looked_at(self) -> None:
        result = ship.delay(7)

        assert Message.objects.get().task_id == result.id

    def test_the_next_test_finds_the_queue_empty(self) -> None:
        assert not Message.objects.exists()

    def test_a_stored_result_is_read(self) -> None:
        current_app.results.put([ResultWrite("1", "SUCCESS", b'{"status": "SUCCESS", "result": 42}')])

        assert AsyncResult("1").get(timeout=1) == 42

    def test_waiting_for_what_cannot_come_is_refused(self) -> None:
        result = ship.delay(7)

        with pytest.raises(ResultStoreError, match="TransactionTestCase"):
            result.get(timeout=60)

    def test_eager_tasks_run_in_the_middle_of_the_transaction(self) -> None:
        order = Order.objects.create(name="tea")

        with override_settings(CELERY_TASK_ALWAYS_EAGER=True, CELERY_TASK_STORE_EAGER_RESULT=True):
            result = ship.delay(order.pk)

        order.refresh_from_db()
        assert (result.get(), order.shipped) == ("tea", 1)
        assert not Message.objects.exists()
