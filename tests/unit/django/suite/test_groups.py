"""Groups and chords are part of the caller's transaction, and can be used from coroutines."""

import asyncio

import pytest
from django.db import connection, transaction
from django.test import TestCase, TransactionTestCase

from sedano import current_app
from sedano.contrib.django.models import Chord, ChordPart, Group
from sedano.errors import ConfigurationError
from sedano.results.group_store import ChordEnd
from sedano.results.result_write import ResultWrite
from sedano.testing.group_store_cases import LATER, part, parts


class TestTransactions(TransactionTestCase):
    def test_what_a_transaction_began_is_rolled_back_with_it(self) -> None:
        groups = current_app.results.groups

        with pytest.raises(ZeroDivisionError), transaction.atomic():
            groups.save("g", b"group", expires_at=LATER)
            groups.begin_chord("g", 2, expires_at=LATER)
            groups.extend_chord("g", 1)
            assert groups.add_parts(parts("a", "b", "c")) == [False, False, True]
            assert groups.get("g") == b"group"
            raise ZeroDivisionError

        assert groups.get("g") is None
        assert groups.parts("g") == []
        assert not Chord.objects.exists()

    def test_a_chord_that_a_view_began_can_be_seen_when_its_transaction_commits(self) -> None:
        with transaction.atomic():
            current_app.results.groups.begin_chord("g", 1, expires_at=LATER)

        assert asyncio.run(self._add_in_a_coroutine()) == [True]

    async def _add_in_a_coroutine(self) -> list[bool]:
        """On a connection that is not Django's."""
        return current_app.results.groups.add_parts([part("a")])

    def test_a_coroutine_uses_groups(self) -> None:
        groups = current_app.results.groups

        async def use() -> None:
            groups.save("g", b"group", expires_at=LATER)
            groups.begin_chord("g", 1, expires_at=LATER)
            groups.extend_chord("g", 1)
            assert groups.get("g") == b"group"
            assert groups.add_parts(parts("a", "b")) == [False, True]
            assert groups.has_part(part("a", 0))
            assert groups.parts("g") == [b"a", b"b"]
            end = ChordEnd("g", part("b", 1).member)
            assert groups.may_end(end)
            groups.end_chord(end)
            assert not groups.may_end(end)
            groups.forget("g")

        asyncio.run(use())

        assert Chord.objects.get().ended
        assert not Group.objects.exists()

    def test_results_groups_and_chords_are_pruned(self) -> None:
        results = current_app.results
        results.put([ResultWrite("1", "SUCCESS", b"1", 1.0)])
        results.groups.save("g", b"group", expires_at=1.0)
        results.groups.begin_chord("g", 2, expires_at=LATER)
        results.groups.add_parts([part("a", 0, expires_at=1.0)])

        assert [results.prune(limit=3), results.prune(limit=3), results.prune(limit=3)] == [3, 1, 0]
        assert not ChordPart.objects.exists()


class TestTablesThatAreMissing(TestCase):
    def test_beginning_a_chord_says_what_to_run(self) -> None:
        connection.cursor().execute("ALTER TABLE sedano_chord RENAME TO moved")

        with pytest.raises(ConfigurationError, match=r"manage\.py migrate"):
            current_app.results.groups.begin_chord("g", 1, expires_at=LATER)
