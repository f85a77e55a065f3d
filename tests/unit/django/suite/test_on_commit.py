"""With a broker outside the database, messages leave when the transaction commits."""

from collections.abc import Iterator

import pytest
from django.db import transaction
from django.test import TransactionTestCase

from sedano import Sedano, Task


def make_app(**settings: object) -> Sedano:
    app = Sedano("outside", broker="memory://", set_as_current=False, **settings)

    @app.task(name="add")
    def add(x: int, y: int) -> int:
        return x + y

    @app.task(name="note", publish_on_commit=False)
    def note(text: str) -> None:
        pass

    return app


class TestOutsideTheDatabase(TransactionTestCase):
    @pytest.fixture(autouse=True)
    def _app(self) -> Iterator[None]:
        with make_app() as app:
            self.app = app
            self.add: Task[[int, int], int] = app.tasks["add"]
            yield

    def waiting(self) -> list[str]:
        return [message.task_id for message in self.app.broker.admin.peek("celery")]

    def test_the_message_leaves_when_the_transaction_commits_and_its_id_is_known_before(self) -> None:
        with transaction.atomic():
            result = self.add.delay(1, 2)
            waiting_before = self.waiting()

        assert waiting_before == []
        assert self.waiting() == [result.id]

    def test_the_message_of_a_transaction_that_is_rolled_back_never_leaves(self) -> None:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            self.add.delay(1, 2)
            raise ZeroDivisionError

        assert self.waiting() == []

    def test_without_a_transaction_it_leaves_at_once(self) -> None:
        result = self.add.delay(1, 2)

        assert self.waiting() == [result.id]

    def test_arguments_that_cannot_be_written_are_refused_at_the_call(self) -> None:
        with transaction.atomic(), pytest.raises(TypeError):
            self.add.delay(1, object())

    def test_one_call_need_not_wait(self) -> None:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            result = self.add.apply_async((1, 2), on_commit=False)
            raise ZeroDivisionError

        assert self.waiting() == [result.id]

    def test_one_task_need_not_wait(self) -> None:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            result = self.app.tasks["note"].delay("somebody tried")
            raise ZeroDivisionError

        assert self.waiting() == [result.id]

    def test_a_task_that_does_not_wait_can_be_told_to(self) -> None:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            self.app.tasks["note"].apply_async(("somebody tried",), on_commit=True)
            raise ZeroDivisionError

        assert self.waiting() == []

    def test_a_project_need_not_wait(self) -> None:
        with make_app(task_publish_on_commit=False) as self.app:
            with pytest.raises(ZeroDivisionError), transaction.atomic():
                result = self.app.tasks["add"].delay(1, 2)
                raise ZeroDivisionError

            assert self.waiting() == [result.id]

    def test_celerys_methods_wait_and_give_no_result(self) -> None:
        with transaction.atomic():
            given = [self.add.delay_on_commit(1, 2), self.add.apply_async_on_commit((1, 2), task_id="mine")]
            waiting_before = self.waiting()

        assert given == [None, None]
        assert waiting_before == []
        assert len(self.waiting()) == 2
        assert "mine" in self.waiting()

    def test_many_calls_leave_when_the_transaction_commits(self) -> None:
        with transaction.atomic():
            results = self.add.publish_many((number, 1) for number in range(600))
            waiting_before = self.waiting()

        assert waiting_before == []
        assert self.app.broker.admin.depth("celery").ready == len(results) == 600

    def test_many_calls_of_a_transaction_that_is_rolled_back_never_leave(self) -> None:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            self.add.publish_many((number, 1) for number in range(600))
            raise ZeroDivisionError

        assert self.waiting() == []

    def test_a_task_sent_by_its_name_waits_too(self) -> None:
        with transaction.atomic():
            result = self.app.send_task("elsewhere.task", (1,))
            waiting_before = self.waiting()

        assert waiting_before == []
        assert self.waiting() == [result.id]
