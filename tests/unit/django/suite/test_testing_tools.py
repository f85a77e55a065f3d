"""``RunsTasks``: tasks in the tests of a site, with its database as it is in a test."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import transaction
from django.test import TestCase, TransactionTestCase, override_settings
from django.utils import timezone
from shop.models import Order
from shop.tasks import count_orders, ship, ship_later

from sedano import Sedano, current_app
from sedano.contrib.django.models import Message
from sedano.testing import assert_published, in_memory, run_until_idle, start_worker
from sedano.testing.django import RunsTasks, SiteRunner


def order(**fields: Any) -> Any:
    return Order.objects.create(name="tea", **fields)


class TestWithinATestCase(RunsTasks, TestCase):
    def test_what_a_view_has_published_is_run(self) -> None:
        self.client.post("/orders/")

        [run] = self.runTasks()

        assert (run.task, run.result) == ("shop.tasks.ship", "tea")
        assert Order.objects.get().shipped == 1

    def test_nothing_is_left_for_the_next_test(self) -> None:
        assert self.published() == []
        assert not Message.objects.exists()

    def test_what_waits_for_the_tests_transaction_counts_as_published(self) -> None:
        ship.delay(7)

        assert self.assertPublished(ship, (7,)).queue == "celery"
        self.assertNotPublished(ship, (8,))

    def test_what_has_been_rolled_back_was_never_published(self) -> None:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            ship.delay(7)
            raise ZeroDivisionError

        self.assertNotPublished()

    def test_what_waits_for_a_transaction_that_is_still_open_is_not_published(self) -> None:
        with transaction.atomic():
            ship.delay(7)

            self.assertNotPublished()

        self.assertPublished(ship)

    def test_what_was_left_for_the_commit_by_hand_is_called(self) -> None:
        transaction.on_commit(partial(ship.delay, order().pk))

        assert [run.result for run in self.runTasks()] == ["tea"]

    def test_what_was_left_for_the_commit_is_called_once(self) -> None:
        called: list[int] = []
        transaction.on_commit(lambda: called.append(1))

        self.runTasks()
        self.runTasks()

        assert called == [1]

    def test_what_django_has_called_is_not_called_again(self) -> None:
        called: list[int] = []
        with self.captureOnCommitCallbacks(execute=True) as callbacks:
            transaction.on_commit(lambda: called.append(1))
            ship.delay(order().pk)

        assert len(self.runTasks()) == 1
        assert (called, len(callbacks)) == ([1], 2)

    def test_what_tasks_publish_in_transactions_is_run(self) -> None:
        ship_later.delay(order().pk)

        assert [run.task for run in self.runTasks()] == ["shop.tasks.ship_later", "shop.tasks.ship"]

    def test_coroutines_see_what_the_test_has_not_committed(self) -> None:
        order()
        count_orders.delay()

        assert [run.result for run in self.runTasks()] == [1]

    def test_queries_of_tasks_are_counted(self) -> None:
        key = order().pk

        with self.assertNumQueries(2):
            ship.delay(key)
            self.runTasks()

    def test_time_can_be_let_pass(self) -> None:
        ship.apply_async((order().pk,), eta=timezone.now() + timedelta(minutes=10))

        assert self.runTasks() == []
        assert len(self.runTasks(advance=timedelta(minutes=11))) == 1

    def test_errors_of_tasks_fail_the_test(self) -> None:
        ship.delay(12345)

        with pytest.raises(Order.DoesNotExist):
            self.runTasks()

    def test_results_are_there(self) -> None:
        result = ship.delay(order().pk)
        self.runTasks()

        assert result.get(timeout=0) == "tea"

    def test_a_missing_message_that_waits_for_a_commit_is_hinted_at(self) -> None:
        ship.delay(7)

        with pytest.raises(AssertionError, match="RunsTasks"):
            assert_published(self.sedano, ship)

    @override_settings(CELERY_TASK_TIME_LIMIT=7)
    def test_settings_of_the_site_can_be_overridden(self) -> None:
        assert self.sedano.conf.task_time_limit == 7
        assert self.sedano.broker.name == "memory"


class TestWithSettings(RunsTasks, TestCase):
    sedano_settings = {"task_default_queue": "mails"}

    def test_the_class_has_settings_of_its_own(self) -> None:
        ship.delay(7)

        assert self.assertPublished(ship).queue == "mails"


class TestWithAnotherApp(RunsTasks, TestCase):
    sedano_app = Sedano("other", broker="redis://127.0.0.1:1", set_as_current=False)

    def test_it_is_the_current_one_in_the_test(self) -> None:
        ship.delay(order().pk)

        assert self.sedano is self.sedano_app
        assert [run.result for run in self.runTasks()] == ["tea"]


class TestAfterwards(TestCase):
    def test_the_sites_database_is_the_broker_again(self) -> None:
        ship.delay(7)

        assert Message.objects.count() == 1


class TestWithRealCommits(RunsTasks, TransactionTestCase):
    def test_what_a_view_has_published_is_run(self) -> None:
        self.client.post("/orders/")

        assert [run.result for run in self.runTasks()] == ["tea"]

    def test_a_rolled_back_call_is_not_published(self) -> None:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            ship.delay(7)
            raise ZeroDivisionError

        self.assertNotPublished()

    def test_a_worker_works_beside_the_test(self) -> None:
        with start_worker(self.sedano):
            result = ship.delay(order().pk)

            assert result.get(timeout=10) == "tea"


class TestWithoutTheMixin(TestCase):
    def test_djangos_own_tool_is_enough(self) -> None:
        with in_memory(current_app) as app:
            with self.captureOnCommitCallbacks(execute=True):
                ship.delay(order().pk)

            assert [run.result for run in run_until_idle(app)] == ["tea"]


@pytest.mark.usefixtures("clean_tables")
def test_the_fixture_sends_what_waits_for_a_transaction_that_was_opened_after_it() -> None:
    with in_memory(current_app) as app:
        run = SiteRunner(app)
        # Two, as a TestCase has: the inner one is the test's, and is a savepoint.
        with transaction.atomic(), transaction.atomic():
            ship.delay(order().pk)
            first = run()
            with transaction.atomic():
                ship.delay(order().pk)
                second = run()
            third = run()
            transaction.set_rollback(True)

    assert [len(runs) for runs in (first, second, third)] == [1, 0, 1]
