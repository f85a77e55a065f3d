"""The tests that every result store passes.

Derive from ``ResultStoreConformance``, and say in a fixture how to open your store::

    class TestMyResultStore(ResultStoreConformance):
        @pytest.fixture
        def open_results(self, server: Server) -> Callable[[Clock], ResultStore]:
            return lambda clock: MyResultStore(server.url, clock=clock)

It opens the store at one place that is empty when a test begins.
"""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from sedano.clock import Clock, SystemClock
from sedano.results.result_write import ResultWrite
from sedano.results.store import ResultStore
from sedano.testing.clock import ManualClock
from sedano.testing.group_store_cases import GroupStoreCases

#: Far longer than any of these waits takes.
_NEVER: Final = 20.0


class ResultStoreConformance(GroupStoreCases):
    """``open_results`` comes from the class under test."""

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    def results(
        self, open_results: Callable[[Clock], ResultStore], clock: ManualClock
    ) -> Iterator[ResultStore]:
        results = open_results(clock)
        yield results
        results.close()

    @pytest.fixture
    def live_results(self, open_results: Callable[[Clock], ResultStore]) -> Iterator[ResultStore]:
        results = open_results(SystemClock())
        yield results
        results.close()

    def test_a_stored_document_is_read_as_it_was_written(self, results: ResultStore) -> None:
        document = bytes(range(256)) * 1000

        results.put([ResultWrite("id-ñ", "SUCCESS", document)])

        assert results.get("id-ñ") == document

    def test_an_unknown_task_has_no_document(self, results: ResultStore) -> None:
        assert results.get("unknown") is None
        assert results.get_many(["unknown"]) == {}
        assert results.get_many([]) == {}

    def test_storing_nothing_does_nothing(self, results: ResultStore) -> None:
        results.put([])

        assert results.get("a") is None

    def test_many_documents_are_read_at_once(self, results: ResultStore) -> None:
        results.put([ResultWrite(f"task {n}", "SUCCESS", b"%d" % n) for n in range(1500)])

        wanted = [f"task {n}" for n in range(1000)] + ["unknown"]
        assert results.get_many(wanted) == {f"task {n}": b"%d" % n for n in range(1000)}

    @pytest.mark.parametrize("first", ["PENDING", "STARTED", "RETRY", "PROGRESS", "FAILURE", "REVOKED"])
    def test_a_later_result_replaces_one_that_was_no_success(self, results: ResultStore, first: str) -> None:
        results.put([ResultWrite("a", first, b"first")])
        results.put([ResultWrite("a", "SUCCESS", b"second")])

        assert results.get("a") == b"second"

    @pytest.mark.parametrize("later", ["STARTED", "FAILURE", "RETRY", "REVOKED", "SUCCESS"])
    def test_a_success_is_final(self, results: ResultStore, later: str) -> None:
        results.put([ResultWrite("a", "SUCCESS", b"first"), ResultWrite("a", later, b"second")])
        results.put([ResultWrite("a", later, b"third")])

        assert results.get("a") == b"first"

    def test_a_forgotten_result_is_gone_and_may_come_again(self, results: ResultStore) -> None:
        results.put([ResultWrite("a", "SUCCESS", b"first"), ResultWrite("b", "SUCCESS", b"other")])

        results.forget("a")
        results.forget("a")

        assert results.get("a") is None
        assert results.get("b") == b"other"
        results.put([ResultWrite("a", "FAILURE", b"second")])
        assert results.get("a") == b"second"

    def test_an_expired_result_is_hidden(self, results: ResultStore, clock: ManualClock) -> None:
        results.put([ResultWrite("a", "SUCCESS", b"a", clock.timestamp() + 10)])
        results.put([ResultWrite("b", "SUCCESS", b"b", None)])

        clock.advance(9)
        assert results.get_many(["a", "b"]) == {"a": b"a", "b": b"b"}

        clock.advance(2)
        assert results.get("a") is None
        assert results.get_many(["a", "b"]) == {"b": b"b"}

    def test_an_expired_success_may_be_replaced(self, results: ResultStore, clock: ManualClock) -> None:
        results.put([ResultWrite("a", "SUCCESS", b"first", clock.timestamp() + 10)])
        clock.advance(11)

        results.put([ResultWrite("a", "STARTED", b"second", clock.timestamp() + 10)])

        assert results.get("a") == b"second"

    def test_a_later_result_brings_its_own_expiry(self, results: ResultStore, clock: ManualClock) -> None:
        results.put([ResultWrite("a", "STARTED", b"first", clock.timestamp() + 10)])
        results.put([ResultWrite("a", "SUCCESS", b"second", clock.timestamp() + 100)])

        clock.advance(50)

        assert results.get("a") == b"second"

    def test_pruning_deletes_the_expired_and_only_those(
        self, results: ResultStore, clock: ManualClock
    ) -> None:
        results.put([ResultWrite(f"old {n}", "SUCCESS", b"", clock.timestamp() + 10) for n in range(5)])
        results.put([ResultWrite("young", "SUCCESS", b"", clock.timestamp() + 100)])
        results.put([ResultWrite("for good", "SUCCESS", b"")])
        clock.advance(11)

        assert results.prune(limit=3) == 3
        assert results.prune(limit=3) == 2
        assert results.prune(limit=3) == 0
        assert set(results.get_many(["young", "for good"])) == {"young", "for good"}

    def test_waiting_ends_when_the_result_comes(self, live_results: ResultStore) -> None:
        assert live_results.get("a") is None
        arrived = self._wait_for("a", live_results)

        live_results.put([ResultWrite("other", "SUCCESS", b"")])
        live_results.put([ResultWrite("a", "SUCCESS", b"here")])

        assert arrived() == b"here"

    def test_waiting_ends_with_the_timeout(self, live_results: ResultStore) -> None:
        began = time.monotonic()

        live_results.wait(["a", "b"], 0.02)

        assert time.monotonic() - began < _NEVER / 4

    def test_waiting_without_a_timeout_ends_now_and_then(self, live_results: ResultStore) -> None:
        began = time.monotonic()

        live_results.wait(["a"], None)

        assert time.monotonic() - began < _NEVER / 4

    def test_a_store_joins_only_brokers_at_its_own_location(self, results: ResultStore) -> None:
        assert results.joint_with("elsewhere:") is None

    def test_many_threads_can_store_at_once(self, results: ResultStore) -> None:
        def store(name: str) -> None:
            for number in range(25):
                results.put([ResultWrite(f"{name}{number}", "SUCCESS", name.encode())])

        threads = [threading.Thread(target=store, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(results.get_many([f"{name}{number}" for name in "abcd" for number in range(25)])) == 100

    def test_a_closed_store_opens_again_when_it_is_used(self, results: ResultStore) -> None:
        results.put([ResultWrite("a", "SUCCESS", b"here")])

        results.close()
        results.close()

        assert results.get("a") == b"here"

    @staticmethod
    def _wait_for(task_id: str, results: ResultStore) -> Callable[[], bytes | None]:
        """Wait in another thread, as users do; calling what is returned gives the document."""
        found: list[bytes | None] = []

        def wait() -> None:
            deadline = time.monotonic() + _NEVER
            while results.get(task_id) is None and time.monotonic() < deadline:
                results.wait([task_id], deadline - time.monotonic())
            found.append(results.get(task_id))

        thread = threading.Thread(target=wait)
        thread.start()

        def join() -> bytes | None:
            thread.join()
            return found[0]

        return join
