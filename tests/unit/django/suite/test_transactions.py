"""``delay()`` takes part in the caller's transaction, where the broker is the site's database."""

import sqlite3
from pathlib import Path

import pytest
from django.db import connection, connections, transaction
from django.db.transaction import TransactionManagementError
from django.test import TransactionTestCase, override_settings
from shop.models import Order
from shop.tasks import ship

from sedano import current_app
from sedano.contrib.django.models import Message


class TestTransactions(TransactionTestCase):
    databases = {"default", "archive"}

    def test_without_a_transaction_the_message_is_there_for_everybody_at_once(self) -> None:
        result = ship.delay(1)

        assert seen_by_others() == [result.id]

    def test_within_a_transaction_the_message_is_there_when_that_commits(self) -> None:
        with transaction.atomic():
            order = Order.objects.create(name="tea")
            result = ship.delay(order.pk)
            seen_before = seen_by_others()

        assert seen_before == []
        assert seen_by_others() == [result.id]

    def test_a_transaction_that_is_rolled_back_takes_the_message_with_it(self) -> None:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            ship.delay(1)
            raise ZeroDivisionError

        assert seen_by_others() == []

    def test_a_savepoint_that_is_rolled_back_takes_its_messages_with_it_and_no_others(self) -> None:
        with transaction.atomic():
            first = ship.delay(1)
            with pytest.raises(ZeroDivisionError), transaction.atomic():
                ship.delay(2)
                raise ZeroDivisionError
            last = ship.delay(3)

        assert seen_by_others() == [first.id, last.id]

    def test_a_broken_transaction_takes_no_message(self) -> None:
        with transaction.atomic():
            transaction.set_rollback(True)

            with pytest.raises(TransactionManagementError):
                ship.delay(1)

    def test_several_messages_are_published_together_or_not_at_all(self) -> None:
        publisher = current_app.publisher
        good = publisher.prepare("shop.tasks.ship", (1,), {})
        bad = publisher.prepare("shop.tasks.ship", (1,), {})

        publisher.publish([good, good])
        with pytest.raises(Exception, match="NOT NULL"):
            publisher.publish([good, type(bad)(bad.task_id, None, bad.queue, bad.envelope)])

        assert seen_by_others() == [good.task_id, good.task_id]

    def test_many_calls_are_part_of_the_transaction(self) -> None:
        with transaction.atomic():
            results = ship.publish_many((number,) for number in range(600))
            seen_before = seen_by_others()
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            ship.publish_many([(1,), (2,)])
            raise ZeroDivisionError

        assert seen_before == []
        assert seen_by_others() == [result.id for result in results]

    def test_a_wrong_call_among_many_leaves_the_batches_before_it(self) -> None:
        with pytest.raises(TypeError) as caught:
            ship.publish_many([*((number,) for number in range(600)), ()])

        assert seen_by_others() == list(caught.value.published)
        assert len(caught.value.published) == 500

    def test_a_task_for_later_waits_in_the_database(self) -> None:
        result = ship.apply_async((1,), countdown=60, priority=5, queue="parcels")

        message = Message.objects.get()
        assert (message.task_id, message.task, message.queue) == (result.id, "shop.tasks.ship", "parcels")
        assert (message.state, message.priority) == ("scheduled", 5)
        assert message.due == pytest.approx(message.ready_since + 60, abs=1)

    def test_the_message_is_seen_by_those_who_watch_the_connection(self) -> None:
        with self.assertNumQueries(1):
            ship.delay(1)

    def test_another_database_can_be_the_queue(self) -> None:
        with override_settings(CELERY_BROKER_URL="django://archive"):
            with pytest.raises(ZeroDivisionError), transaction.atomic(using="archive"):
                ship.delay(1)
                raise ZeroDivisionError
            result = ship.delay(2)
            assert current_app.broker_url.endswith("test_archive.sqlite3?schema=external")

        assert [row.task_id for row in Message.objects.using("archive").all()] == [result.id]
        assert not Message.objects.using("default").exists()

    def test_the_database_that_others_hold_locked_is_an_error_to_try_again(self) -> None:
        connection.ensure_connection()
        connection.cursor().execute("PRAGMA busy_timeout = 1")
        other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(ship.OperationalError, match="locked"):
            ship.apply_async((1,), retry=False)

        other.execute("ROLLBACK")
        other.close()
        connection.close()

    def test_a_request_publishes_within_its_transaction(self) -> None:
        answer = self.client.get("/orders/")

        assert seen_by_others() == [answer.json()["task"]]


def seen_by_others() -> list[str]:
    """The ids of the messages that another connection sees, in their order."""
    other = sqlite3.connect(Path(connections["default"].settings_dict["NAME"]))
    rows = other.execute("SELECT task_id FROM sedano_message ORDER BY id").fetchall()
    other.close()
    return [task_id for (task_id,) in rows]
