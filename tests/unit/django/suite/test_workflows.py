"""A workflow takes part in the caller's transaction as a whole, inside the database and outside of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import transaction
from django.test import TransactionTestCase
from shop.tasks import ship, stocktaking

from sedano import Sedano, Task, chain, chord, current_app, group
from sedano.contrib.django.models import Chord, Group, Message
from tests.servers.redis_server import RedisServer
from tests.unit.django.suite.test_transactions import seen_by_others

#: More than travels in one batch.
MANY = 1_100


class TestInsideTheDatabase(TransactionTestCase):
    def test_a_chord_is_there_when_its_transaction_commits(self) -> None:
        with transaction.atomic():
            result = chord([ship.si(number) for number in range(3)], stocktaking.s()).delay()
            seen_before = seen_by_others()

        assert seen_before == []
        assert seen_by_others() == [member.id for member in result.parent]
        assert Chord.objects.get().size == 3

    def test_nothing_is_left_of_a_chord_whose_transaction_is_rolled_back(self) -> None:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            chord([ship.si(number) for number in range(MANY)], stocktaking.s()).delay()
            raise ZeroDivisionError

        assert not Message.objects.exists()
        assert not Chord.objects.exists()
        assert not Group.objects.exists()

    def test_a_group_of_several_batches_is_committed_as_one(self) -> None:
        with transaction.atomic():
            result = group(ship.s(number) for number in range(MANY)).delay()
            seen_before = seen_by_others()

        assert seen_before == []
        assert seen_by_others() == [member.id for member in result]

    def test_a_group_of_several_batches_is_rolled_back_as_one(self) -> None:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            group(ship.s(number) for number in range(MANY)).delay()
            raise ZeroDivisionError

        assert seen_by_others() == []

    def test_the_first_step_of_a_chain_is_part_of_the_transaction(self) -> None:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            chain(ship.si(1), ship.si(2)).delay()
            raise ZeroDivisionError
        with transaction.atomic():
            result = chain(ship.si(1), ship.si(2)).delay()

        assert seen_by_others() == [result.parent.id]

    def test_a_savepoint_that_is_rolled_back_takes_its_chord_with_it_and_no_other(self) -> None:
        with transaction.atomic():
            kept = chord([ship.si(1)], stocktaking.s()).delay()
            with pytest.raises(ZeroDivisionError), transaction.atomic():
                chord([ship.si(2)], stocktaking.s()).delay()
                raise ZeroDivisionError

        assert seen_by_others() == [member.id for member in kept.parent]
        assert Chord.objects.count() == 1

    def test_a_group_that_is_saved_in_a_transaction_is_rolled_back_with_it(self) -> None:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            result = group(ship.s(1), ship.s(2)).delay().save()
            raise ZeroDivisionError

        assert current_app.GroupResult.restore(result.id) is None


class TestOnRedis(TransactionTestCase):
    @pytest.fixture(autouse=True)
    def _app(self, tmp_path: Path) -> Iterator[None]:
        self.server = RedisServer(tmp_path)
        with Sedano(
            "outside", broker=self.server.url, backend=self.server.url, set_as_current=False
        ) as self.app:

            @self.app.task(name="add")
            def add(x: int, y: int) -> int:
                return x + y

            @self.app.task(name="total")
            def total(numbers: list[int]) -> int:
                return sum(numbers)

            self.add: Task[[int, int], int] = add
            self.total: Task[[list[int]], int] = total
            yield
        self.server.stop()

    def waiting(self) -> list[str]:
        return [message.task_id for message in self.app.broker.admin.peek("celery", limit=2 * MANY)]

    def keys(self) -> list[bytes]:
        return list(self.server.client.keys())

    def test_a_chord_is_sent_when_the_transaction_commits(self) -> None:
        with transaction.atomic():
            result = chord([self.add.s(n, n) for n in range(3)], self.total.s()).delay()
            keys_before = self.keys()

        assert keys_before == []
        assert sorted(self.waiting()) == sorted(member.id for member in result.parent)

    def test_nothing_is_sent_of_a_chord_whose_transaction_is_rolled_back(self) -> None:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            chord([self.add.s(n, n) for n in range(MANY)], self.total.s()).delay()
            raise ZeroDivisionError

        assert self.keys() == []

    def test_all_batches_of_a_group_are_sent_when_the_transaction_commits(self) -> None:
        with transaction.atomic():
            result = group(self.add.s(n, n) for n in range(MANY)).delay()
            keys_before = self.keys()

        assert keys_before == []
        assert len(self.waiting()) == len(result) == MANY

    def test_a_chain_is_sent_when_the_transaction_commits_or_never(self) -> None:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            (self.add.s(1, 1) | self.add.s(2)).delay()
            raise ZeroDivisionError
        keys_before = self.keys()
        with transaction.atomic():
            result = (self.add.s(1, 1) | self.add.s(2)).delay()

        assert keys_before == []
        assert self.waiting() == [result.parent.id]
