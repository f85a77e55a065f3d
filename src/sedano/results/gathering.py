"""One wait for any number of results, as they come.

Used by ``AsyncResult.get`` and ``ResultSet.get``. Asks for all of them together, sleeps until the store says
that something has changed, and outlasts a store that does not answer. Never raises what a task raised, but
for those before the ones that are waited for.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sedano.errors import ResultStoreUnavailable, TaskTimeout
from sedano.results.patience import Patience
from sedano.results.task_meta import TaskMeta
from sedano.results.unfinished import Unfinished, first_failure

if TYPE_CHECKING:
    from sedano.results.async_result import AsyncResult

    Result: TypeAlias = AsyncResult[Any]

#: A store is told to wake us for so many results at most. All of them have to come, so the first ones do.
_HEARD: Final = 100
#: Of more results than that, a look may take this part of the time, whatever comes in meanwhile.
_SHARE: Final = 0.2


class Gathering:
    """One wait.

    Args:
        results: What is waited for.
        timeout: Seconds to wait; None waits for ever.
        interval: The most seconds between two looks, where a change may not wake us.
        parents: Where one of these tasks has failed, the waiting ends with its error.
        on_change: Called with what is known of a task whenever that has changed.
        on_interval: Called after each look that left something to wait for.
        patience: Measures the time; for tests.
    """

    def __init__(
        self,
        results: "Iterable[Result]",
        *,
        timeout: float | None = None,
        interval: float = 0.5,
        parents: "Sequence[Result]" = (),
        on_change: Callable[[TaskMeta], object] | None = None,
        on_interval: Callable[[], object] | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._results = list(results)
        self._interval = interval
        self._parents = parents
        self._parents_due = 0.0
        self._on_change = on_change
        self._on_interval = on_interval
        self._patience = patience or Patience(timeout)
        #: How many were looked at last, and how long that took.
        self._looked_at = 0
        self._look_took = 0.0

    def __iter__(self) -> "Iterator[list[Result]]":
        """The results, those that have come together as one list.

        Raises:
            TaskTimeout: the time is up, and some have not finished.
            ResultStoreUnavailable: the time is up, and the store cannot be reached.
        """
        known = [result for result in self._results if result._cache is not None or result.ignored]
        if known:
            yield known
        unfinished = Unfinished(self._results, on_change=self._on_change)
        while unfinished:
            try:
                came = self._look(unfinished)
            except ResultStoreUnavailable as error:
                self._patience.outlast(error)
            else:
                if came:
                    yield came
                if not unfinished:
                    return
                self._rest(unfinished)
            if self._on_interval is not None:
                self._on_interval()

    def _look(self, unfinished: Unfinished) -> "list[Result]":
        began = time.monotonic()
        self._looked_at = len(unfinished)
        came = unfinished.look()
        self._look_took = time.monotonic() - began
        self._patience.end_outage()
        return came

    def _rest(self, unfinished: Unfinished) -> None:
        try:
            self._heed_parents()
            left = self._patience.left
            if left is not None and left <= 0:
                raise TaskTimeout("The operation timed out.")
            is_crowd = self._looked_at > _HEARD
            is_woken = unfinished.push and not (
                self._on_interval or self._parents or is_crowd or unfinished.is_scattered
            )
            pause = left if is_woken else self._interval if left is None else min(self._interval, left)
            unfinished.wait(most=_HEARD, timeout=pause)
            if is_crowd:
                self._patience.rest(self._look_took * (1 / _SHARE - 1))
        except ResultStoreUnavailable as error:
            self._patience.outlast(error)

    def _heed_parents(self) -> None:
        now = time.monotonic()
        if self._parents and now >= self._parents_due:
            failed = first_failure(self._parents)
            if failed is not None:
                failed.throw()
            self._parents_due = time.monotonic() + self._interval
