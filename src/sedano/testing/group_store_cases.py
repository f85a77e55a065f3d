"""The part of ``ResultStoreConformance`` that is about groups and chords: ``ResultStore.groups``."""

import threading
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from sedano.results.group_store import ChordEnd, ChordPart
from sedano.results.store import ResultStore
from sedano.testing.clock import ManualClock

T = TypeVar("T")

#: Longer than any of these tests lasts by a clock of any kind. POSIX seconds.
LATER: Final = 4_000_000_000.0


def part(
    task_id: str,
    index: int | None = 0,
    *,
    group_id: str = "g",
    document: bytes | None = None,
    expires_at: float | None = LATER,
) -> ChordPart:
    """The end of a member; its document is its id unless given.

    >>> part("a", 2).member
    'a:2'
    """
    return ChordPart(group_id, task_id, index, task_id.encode() if document is None else document, expires_at)


def parts(*task_ids: str, group_id: str = "g") -> list[ChordPart]:
    """The ends of several members, in the order of their indices.

    >>> [part.member for part in parts("a", "b")]
    ['a:0', 'b:1']
    """
    return [part(task_id, index, group_id=group_id) for index, task_id in enumerate(task_ids)]


class GroupStoreCases:
    """``clock``, ``results`` and ``live_results`` come from ``ResultStoreConformance``."""

    # -- saved groups

    def test_a_saved_group_is_read_as_it_was_written(self, results: ResultStore) -> None:
        document = bytes(range(256)) * 100

        results.groups.save("gruppe-ñ", document, expires_at=LATER)

        assert results.groups.get("gruppe-ñ") == document
        assert results.groups.get("unknown") is None

    def test_a_group_that_is_saved_again_is_replaced(self, results: ResultStore) -> None:
        results.groups.save("g", b"first", expires_at=LATER)
        results.groups.save("g", b"second", expires_at=LATER)

        assert results.groups.get("g") == b"second"

    def test_a_forgotten_group_is_gone(self, results: ResultStore) -> None:
        results.groups.save("g", b"one", expires_at=LATER)
        results.groups.save("other", b"two", expires_at=LATER)

        results.groups.forget("g")
        results.groups.forget("g")

        assert results.groups.get("g") is None
        assert results.groups.get("other") == b"two"

    def test_a_group_and_a_result_of_one_name_are_two_things(self, results: ResultStore) -> None:
        results.groups.save("g", b"group", expires_at=LATER)

        results.forget("g")

        assert results.get("g") is None
        assert results.groups.get("g") == b"group"

    def test_an_expired_group_is_hidden(self, results: ResultStore, clock: ManualClock) -> None:
        results.groups.save("g", b"group", expires_at=clock.timestamp() + 10)

        clock.advance(9)
        assert results.groups.get("g") == b"group"

        clock.advance(2)
        assert results.groups.get("g") is None

    def test_pruning_leaves_groups_and_chords_that_have_not_expired(
        self, results: ResultStore, clock: ManualClock
    ) -> None:
        results.groups.save("g", b"group", expires_at=clock.timestamp() + 100)
        results.groups.begin_chord("g", 2, expires_at=clock.timestamp() + 100)
        results.groups.add_parts([part("a", expires_at=clock.timestamp() + 100)])
        clock.advance(50)

        assert results.prune() == 0

        assert results.groups.get("g") == b"group"
        assert results.groups.add_parts([part("b", 1)]) == [True]

    # -- counting members

    def test_the_last_member_completes_its_chord(self, results: ResultStore) -> None:
        results.groups.begin_chord("g", 3, expires_at=LATER)
        first, second, third = parts("a", "b", "c")

        assert results.groups.add_parts([second]) == [False]
        assert results.groups.add_parts([third]) == [False]
        assert results.groups.add_parts([first]) == [True]

    def test_many_members_are_counted_at_once(self, results: ResultStore) -> None:
        results.groups.begin_chord("g", 3, expires_at=LATER)

        assert results.groups.add_parts(parts("a", "b", "c")) == [False, False, True]
        assert results.groups.add_parts([]) == []

    def test_the_members_of_two_chords_are_counted_apart(self, results: ResultStore) -> None:
        results.groups.begin_chord("g", 2, expires_at=LATER)
        results.groups.begin_chord("h", 1, expires_at=LATER)

        counted = results.groups.add_parts(
            [part("a"), part("b", group_id="h"), part("c", group_id="unknown")]
        )

        assert counted == [False, True, False]

    def test_a_member_counts_once(self, results: ResultStore) -> None:
        results.groups.begin_chord("g", 2, expires_at=LATER)
        results.groups.add_parts([part("a", 0)])

        assert results.groups.add_parts([part("a", 0), part("a", 0)]) == [False, False]
        assert results.groups.add_parts([part("b", 1)]) == [True]

    def test_one_task_in_two_places_is_two_members(self, results: ResultStore) -> None:
        results.groups.begin_chord("g", 2, expires_at=LATER)

        assert results.groups.add_parts([part("a", 0)]) == [False]
        assert results.groups.add_parts([part("a", 1)]) == [True]

    def test_before_a_chord_has_begun_members_count_but_none_completes_it(self, results: ResultStore) -> None:
        first, second, third = parts("a", "b", "c")
        assert results.groups.add_parts([first, second]) == [False, False]

        results.groups.begin_chord("g", 3, expires_at=LATER)

        assert results.groups.add_parts([third]) == [True]

    def test_a_chord_that_is_begun_once_more_keeps_its_members(self, results: ResultStore) -> None:
        first, second = parts("a", "b")
        results.groups.begin_chord("g", 2, expires_at=LATER)
        results.groups.add_parts([first])

        results.groups.begin_chord("g", 2, expires_at=LATER)

        assert results.groups.add_parts([second]) == [True]

    def test_an_extended_chord_waits_for_its_further_members(self, results: ResultStore) -> None:
        results.groups.extend_chord("g", 1)
        results.groups.begin_chord("g", 2, expires_at=LATER)
        results.groups.add_parts(parts("a"))
        results.groups.extend_chord("g", 2)

        counted = results.groups.add_parts(parts("a", "b", "c", "d", "e"))

        assert counted == [False, False, False, False, True]

    def test_an_extension_that_is_told_twice_counts_once(self, results: ResultStore) -> None:
        results.groups.extend_chord("g", 1, "x")
        results.groups.begin_chord("g", 1, expires_at=LATER)
        results.groups.extend_chord("g", 1, "x")
        results.groups.extend_chord("g", 1, "y")
        results.groups.extend_chord("g", 1, "y")

        counted = results.groups.add_parts(parts("a", "b", "c"))

        assert counted == [False, False, True]
        assert results.groups.parts("g") == [b"a", b"b", b"c"]

    def test_the_store_knows_which_members_were_counted(self, results: ResultStore) -> None:
        results.groups.begin_chord("g", 2, expires_at=LATER)
        results.groups.add_parts([part("a", 0), part("b", None)])

        assert results.groups.has_part(part("a", 0, document=b""))
        assert results.groups.has_part(part("b", None))
        assert not results.groups.has_part(part("a", 1))
        assert not results.groups.has_part(part("c", 2))
        assert not results.groups.has_part(part("a", 0, group_id="other"))

    # -- what the members ended with

    def test_parts_come_by_index_and_those_without_one_last(self, results: ResultStore) -> None:
        results.groups.begin_chord("g", 12, expires_at=LATER)
        results.groups.add_parts([part("none", None), part("ten", 10), part("two", 2)])
        results.groups.add_parts([part("zero", 0)])

        assert results.groups.parts("g") == [b"zero", b"two", b"ten", b"none"]
        assert results.groups.parts("unknown") == []

    def test_documents_of_parts_are_read_as_they_were_written(self, results: ResultStore) -> None:
        one, other = bytes(range(256)) * 100, b"\x00"
        results.groups.add_parts([part("a", 0, document=one), part("b", 1, document=other)])

        assert results.groups.parts("g") == [one, other]

    def test_equal_documents_are_as_many_parts(self, results: ResultStore) -> None:
        results.groups.add_parts([part("a", 0, document=b"same"), part("b", 1, document=b"same")])
        results.groups.add_parts([part("c", None, document=b"none"), part("d", None, document=b"none too")])

        assert results.groups.parts("g")[:2] == [b"same", b"same"]
        assert sorted(results.groups.parts("g")[2:]) == [b"none", b"none too"]

    def test_what_a_member_told_first_stays(self, results: ResultStore) -> None:
        results.groups.add_parts([part("a", document=b"first")])
        results.groups.add_parts([part("a", document=b"second"), part("a", document=b"")])

        assert results.groups.parts("g") == [b"first"]

    # -- who ends a chord

    def test_the_member_that_completed_a_chord_completes_it_again_when_it_tells_again(
        self, results: ResultStore
    ) -> None:
        first, second = self._complete_with(results, "a", "b")

        assert results.groups.add_parts([part("b", 1, document=b"")]) == [True]
        assert results.groups.add_parts([first]) == [False]
        assert results.groups.add_parts([second]) == [True]

    def test_another_member_may_complete_a_chord_that_was_not_ended_in_time(
        self, results: ResultStore, clock: ManualClock
    ) -> None:
        first, second = self._complete_with(results, "a", "b")

        clock.advance(4)
        assert results.groups.add_parts([first]) == [False]

        clock.advance(3)
        assert results.groups.add_parts([first]) == [True]
        assert results.groups.add_parts([second]) == [False]

    def test_a_chord_is_to_be_ended_by_the_member_that_completed_it(self, results: ResultStore) -> None:
        first, second = self._complete_with(results, "a", "b")

        assert results.groups.may_end(ChordEnd("g", second.member))
        assert not results.groups.may_end(ChordEnd("g", first.member))
        assert not results.groups.may_end(ChordEnd("unknown", second.member))

    def test_a_chord_that_may_have_been_ended_is_nobody_elses_for_an_hour(
        self, results: ResultStore, clock: ManualClock
    ) -> None:
        first, second = self._complete_with(results, "a", "b")

        clock.advance(4)
        assert results.groups.may_end(ChordEnd("g", second.member))

        clock.advance(3000)
        assert results.groups.add_parts([first]) == [False]
        assert results.groups.may_end(ChordEnd("g", second.member))

    def test_a_member_that_took_too_long_may_end_its_chord_if_nobody_else_has_completed_it(
        self, results: ResultStore, clock: ManualClock
    ) -> None:
        first, second = self._complete_with(results, "a", "b")
        clock.advance(60)

        assert results.groups.may_end(ChordEnd("g", second.member))

        clock.advance(4000)
        results.groups.add_parts([first])
        assert not results.groups.may_end(ChordEnd("g", second.member))

    def test_a_chord_that_was_ended_has_no_parts_and_nobody_ends_it_again(self, results: ResultStore) -> None:
        first, second = self._complete_with(results, "a", "b")
        end = ChordEnd("g", second.member)

        results.groups.end_chord(end)
        results.groups.end_chord(end)

        assert results.groups.parts("g") == []
        assert not results.groups.may_end(end)
        assert results.groups.add_parts([first, second, part("c", 2)]) == [False, False, False]
        assert results.groups.parts("g") == []

    def test_the_members_of_a_chord_that_was_ended_have_been_counted(self, results: ResultStore) -> None:
        first, second = self._complete_with(results, "a", "b")

        results.groups.end_chord(ChordEnd("g", second.member))

        assert results.groups.has_part(first)

    def test_a_chord_is_not_ended_by_a_member_whose_turn_it_is_not(self, results: ResultStore) -> None:
        first, second = self._complete_with(results, "a", "b")

        results.groups.end_chord(ChordEnd("g", first.member))

        assert results.groups.parts("g") == [b"a", b"b"]
        assert results.groups.may_end(ChordEnd("g", second.member))

    def test_a_chord_that_is_begun_after_its_end_is_a_new_one(self, results: ResultStore) -> None:
        _, second = self._complete_with(results, "a", "b")
        results.groups.end_chord(ChordEnd("g", second.member))

        results.groups.begin_chord("g", 2, expires_at=LATER)

        assert results.groups.add_parts(parts("a", "b")) == [False, True]

    # -- how long a chord is kept

    def test_an_expired_chord_is_forgotten(self, results: ResultStore, clock: ManualClock) -> None:
        soon = clock.timestamp() + 10
        results.groups.begin_chord("g", 2, expires_at=soon)
        results.groups.add_parts([part("a", 0, expires_at=soon)])
        clock.advance(11)

        assert results.groups.parts("g") == []
        assert not results.groups.has_part(part("a", 0))
        assert results.groups.add_parts([part("a", 0), part("b", 1)]) == [False, False]
        assert results.groups.parts("g") == [b"a", b"b"]

    def test_each_member_says_how_long_its_chord_is_kept_from_now_on(
        self, results: ResultStore, clock: ManualClock
    ) -> None:
        results.groups.begin_chord("g", 3, expires_at=clock.timestamp() + 10)
        results.groups.add_parts([part("a", 0, expires_at=clock.timestamp() + 100)])
        clock.advance(50)

        results.groups.add_parts([part("b", 1, expires_at=clock.timestamp() + 100)])
        clock.advance(80)

        assert results.groups.add_parts([part("c", 2)]) == [True]

    # -- at the same time

    def test_of_members_that_end_at_the_same_time_exactly_one_completes_the_chord(
        self, live_results: ResultStore
    ) -> None:
        threads, each = 4, 5
        for round_number in range(3):
            group_id = f"g{round_number}"
            live_results.groups.begin_chord(group_id, threads * each, expires_at=LATER)
            members = parts(*(f"task {n}" for n in range(threads * each)), group_id=group_id)

            def tell(thread: int, members: Sequence[ChordPart] = members) -> list[bool]:
                return [
                    completes
                    for member in members[thread::threads]
                    for completes in live_results.groups.add_parts([member])
                ]

            told = _in_threads(threads, tell)

            assert sorted(completes for some in told for completes in some) == [False] * 19 + [True]
            assert len(live_results.groups.parts(group_id)) == threads * each

    def test_of_members_that_complete_a_chord_late_at_the_same_time_exactly_one_may_end_it(
        self, results: ResultStore, clock: ManualClock
    ) -> None:
        members = self._complete_with(results, *(f"task {n}" for n in range(8)))
        clock.advance(60)

        def tell(thread: int) -> tuple[bool, bool]:
            (completes,) = results.groups.add_parts([members[thread]])
            return completes, results.groups.may_end(ChordEnd("g", members[thread].member))

        told = _in_threads(4, tell)

        assert sorted(told) == [(False, False)] * 3 + [(True, True)]

    @staticmethod
    def _complete_with(results: ResultStore, *task_ids: str) -> list[ChordPart]:
        """A chord of these members, in this order; the last one has completed it."""
        members = parts(*task_ids)
        results.groups.begin_chord("g", len(members), expires_at=LATER)
        assert results.groups.add_parts(members)[-1]
        return members


def _in_threads(threads: int, act: Callable[[int], T]) -> list[T]:
    """What each of several threads came to, which all begin at once."""
    start = threading.Barrier(threads)
    outcomes: list[T] = []

    def run(number: int) -> None:
        start.wait()
        outcomes.append(act(number))

    running = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return outcomes
