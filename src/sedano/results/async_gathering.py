"""One wait of a coroutine for any number of results, as they come: the counterpart of ``Gathering``.

Used by ``AsyncResult.aget`` and ``ResultSet.aget``, and, without a wait, by all that look once. What looks is
the loop's ``Lookout``. Leaves nothing behind, however it ends. Never raises what a task raised, but for those
before the ones that are waited for.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from sedano.errors import ResultStoreUnavailable, TaskTimeout
from sedano.results.async_results import async_results
from sedano.results.lookout import Listener, Lookout
from sedano.results.patience import LONGEST_OUTAGE
from sedano.results.store import ResultStore
from sedano.results.task_meta import TaskMeta
from sedano.results.unfinished import Unfinished, known_failure

if TYPE_CHECKING:
    from sedano.results.async_result import AsyncResult

    Result: TypeAlias = AsyncResult[Any]


class AsyncGathering:
    """One wait.

    Args:
        results: What is waited for.
        timeout: Seconds to wait; None waits for ever.
        parents: Where one of these tasks has failed, the waiting ends with its error.
        on_change: Called with what is known of a task whenever that has changed.
        longest_outage: Seconds for which who waits for ever waits for a store that does not answer.
    """

    def __init__(
        self,
        results: "Iterable[Result]",
        *,
        timeout: float | None = None,
        parents: "Sequence[Result]" = (),
        on_change: Callable[[TaskMeta], object] | None = None,
        longest_outage: float = LONGEST_OUTAGE,
    ) -> None:
        self._longest_outage = longest_outage
        self._results = list(results)
        self._parents = parents
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._on_change = on_change

    async def __aiter__(self) -> "AsyncGenerator[list[Result], None]":
        """The results, those that have come together as one list.

        Raises:
            TaskTimeout: the time is up, and some have not finished.
            ResultStoreUnavailable: the time is up, and the store cannot be reached.
        """
        known = [result for result in self._results if result._cache is not None or result.ignored]
        if known:
            yield known
        unfinished = Unfinished(self._results, on_change=self._on_change)
        if not unfinished:
            return
        parents = Unfinished(self._parents)
        if came := await _look_within_transactions((unfinished, parents), waits=True):
            yield came
        with _Watch((unfinished, parents), waits=True) as watch:
            self._heed_parents()
            while unfinished:
                if came := watch.take():
                    yield came
                if unfinished:
                    self._heed_parents()
                    await self._rest(watch)

    def _heed_parents(self) -> None:
        failed = known_failure(self._parents)
        if failed is not None:
            failed.throw()

    async def _rest(self, watch: "_Watch") -> None:
        """Sleep until something has come. Raises when the patience is at its end."""
        if watch.has_news:
            return
        now = time.monotonic()
        if (outage := watch.outage) is not None:
            began, error = outage
            if now >= (began + self._longest_outage if self._deadline is None else self._deadline):
                raise _told_anew(began, error)
        elif self._deadline is not None and now >= self._deadline and not watch.is_unanswered:
            if watch.looked_last:
                raise TaskTimeout("The operation timed out.")
            # One more look: it may have come just now, and not everything tells us.
            watch.look_last()
        if self._deadline is None or now >= self._deadline:
            await watch.sleep(None)
        else:
            await watch.sleep(self._deadline - now)


class _Post(NamedTuple):
    """A listener at the lookout of one store."""

    lookout: Lookout
    listener: Listener
    #: What it listens for.
    ids: Sequence[str]
    #: How many looks had failed there when it came.
    failed_before: int


class _Watch:
    """Listens at the lookouts of all stores that are concerned.

    Args:
        unfinished: What for; what has come of the first ones is told.
        waits: Beyond the first look.
    """

    def __init__(self, unfinished: Sequence[Unfinished], *, waits: bool) -> None:
        self._unfinished = unfinished
        self._waits = waits
        self._posts: dict[ResultStore, _Post] = {}
        self._woken = asyncio.Event()
        self.looked_last = False

    def __enter__(self) -> "_Watch":
        for store, ids in _by_store(self._unfinished).items():
            lookout = async_results(store).lookouts.get()
            post = _Post(lookout, Listener(self._woken.set), ids, lookout.failed_looks)
            self._posts[store] = post
            if self._waits:
                lookout.join(post.listener, ids)
            lookout.ask(post.listener, ids)
        return self

    def __exit__(self, *exc_info: object) -> None:
        for post in self._posts.values():
            post.lookout.leave(post.listener, post.ids)

    def take(self) -> "list[Result]":
        """Take in what has come; those of the first ones that have ended by that."""
        came: list[Result] = []
        for store, post in self._posts.items():
            if post.listener.failure is not None:
                raise post.listener.failure
            news, post.listener.news = post.listener.news, {}
            if news:
                came += _take(self._unfinished, store, news)
        return came

    @property
    def has_news(self) -> bool:
        """There is something to take in."""
        return any(post.listener.news or post.listener.failure for post in self._posts.values())

    @property
    def is_unanswered(self) -> bool:
        """The first look, or the last one, is still under way."""
        return any(post.listener.unanswered for post in self._posts.values())

    @property
    def outage(self) -> tuple[float, ResultStoreUnavailable] | None:
        """Since when a store does not answer, and what it says."""
        for lookout, _, _, failed_before in self._posts.values():
            if lookout.outage is not None and lookout.failed_looks > failed_before:
                return lookout.outage_began, lookout.outage
        return None

    def look_last(self) -> None:
        """Ask once more for all that is still waited for."""
        self.looked_last = True
        for store, ids in self._unfinished[0].by_store.items():
            post = self._posts[store]
            post.lookout.ask(post.listener, ids)

    async def sleep(self, seconds: float | None) -> None:
        """Until something has come, or the time is up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        self._woken.clear()


async def look_at(result: "Result") -> TaskMeta:
    """What is known of one now. Raises as ``look``."""
    seen: list[TaskMeta] = []
    await look((result,), on_change=seen.append)
    return seen[-1] if seen else TaskMeta.pending(result.id)


async def look(results: "Iterable[Result]", *, on_change: Callable[[TaskMeta], object] | None = None) -> None:
    """Look once, at all of them together.

    Args:
        results: Those that are not known to have ended are looked at.
        on_change: Called with what is known of each that has a document.

    Raises:
        ResultStoreError: a store did not answer.
    """
    unfinished = Unfinished(results, on_change=on_change)
    await _look_within_transactions((unfinished,), waits=False)
    with _Watch((unfinished,), waits=False) as watch:
        while watch.is_unanswered:
            await watch.sleep(None)
            watch.take()
            if watch.is_unanswered and (outage := watch.outage) is not None:
                raise _told_anew(*outage)


async def _look_within_transactions(unfinished: Sequence[Unfinished], *, waits: bool) -> "list[Result]":
    """Take in what the caller's own transactions show; those of the first ones that have ended."""
    came: list[Result] = []
    for store, ids in _by_store(unfinished).items():
        with contextlib.suppress(ResultStoreUnavailable):  # the lookout bears with it
            documents = await async_results(store).within_transaction(ids, waits=waits)
            if documents:
                came += _take(unfinished, store, documents)
    return came


def _by_store(unfinished: Sequence[Unfinished]) -> dict[ResultStore, list[str]]:
    ids: dict[ResultStore, dict[str, None]] = {}
    for each in unfinished:
        for store, waited_for in each.by_store.items():
            ids.setdefault(store, {}).update(dict.fromkeys(waited_for))
    return {store: list(found) for store, found in ids.items()}


def _take(
    unfinished: Sequence[Unfinished], store: ResultStore, documents: Mapping[str, bytes]
) -> "list[Result]":
    came, *_ = [each.take(store, documents) for each in unfinished]
    return came


def _told_anew(began: float, error: ResultStoreUnavailable) -> ResultStoreUnavailable:
    """The error for one of those who wait: each gets one of their own, with their own traceback."""
    told = ResultStoreUnavailable(str(error))
    told.__cause__ = error.__cause__
    told.add_note(f"It has not answered for {time.monotonic() - began:.1f} s.")
    return told
