"""Looks for results on behalf of all coroutines of one event loop that wait for some.

Used by ``AsyncGathering`` through ``AsyncResults``. However many wait, there is one look at a time, for all
that may have changed; those who wait are woken with what has come. Runs nothing while nobody waits. Never
reads what a document holds.
"""

import asyncio
import contextlib
import contextvars
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Final, Protocol

from sedano.backoff import ExponentialBackoff
from sedano.errors import ResultStoreUnavailable

#: How many results are fetched at once.
_BATCH: Final = 1000
#: Nobody waits longer than this without a look: for a message that some proxy swallowed.
_SAFETY: Final = 2.0
#: The same while the store says nothing.
_SILENT: Final = 0.25
#: Seconds between looks at a store that never says anything: at first, and when nothing has come for long.
_PACE: Final = (0.005, 0.1)
#: Of its time, such looks may take this part.
_SHARE: Final = 0.2
_OUTAGE: Final = ExponentialBackoff(factor=0.05, longest=1.0)


class ResultChanges(Protocol):
    """What a store says of its results, to whoever follows them. Its methods return at once."""

    @property
    def connected(self) -> bool:
        """It would say if something changed now."""

    def follow(self, bells: "Collection[Bell]") -> None:
        """Ring these whenever their results may have changed, from any thread. Idempotent."""

    def leave(self, bells: "Collection[Bell]") -> None:
        """Ring them no more."""


class Bell:
    """Tells the lookout of one result, from any thread."""

    __slots__ = ("_lookout", "task_id")

    def __init__(self, task_id: str, lookout: "Lookout") -> None:
        self.task_id = task_id
        self._lookout = lookout

    def set(self) -> None:
        """It may have changed. Named as that of an event, which others wait with."""
        self._lookout.hear(self.task_id)


class Listener:
    """One who waits, or asks once: what has come for them.

    Args:
        wake: Called when something is new. In the loop.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self.wake = wake
        #: Documents, by id, that are new to them.
        self.news: dict[str, bytes] = {}
        #: Asked for, and not answered yet.
        self.unanswered: set[str] = set()
        #: It no longer waits.
        self.has_left = False
        #: Why no further wait makes sense.
        self.failure: Exception | None = None


class _Awaited:
    """A result that somebody waits for."""

    __slots__ = ("bell", "document", "listeners")

    def __init__(self, bell: Bell) -> None:
        self.bell = bell
        #: At the last look.
        self.document: bytes | None = None
        self.listeners: set[Listener] = set()


class Lookout:
    """Belongs to its loop, but for ``hear``.

    Args:
        get_many: Fetches documents. Raises ``ResultStoreUnavailable`` when it is worth another try.
        changes: What says when a result may have changed; None: looks again and again.
    """

    def __init__(
        self,
        get_many: Callable[[Collection[str]], Awaitable[Mapping[str, bytes]]],
        changes: ResultChanges | None,
    ) -> None:
        self._get_many = get_many
        self._changes = changes
        self._loop = asyncio.get_running_loop()
        self._awaited: dict[str, _Awaited] = {}
        self._askers: dict[str, set[Listener]] = {}
        #: To be looked at. An ordered set.
        self._due: dict[str, None] = {}
        self._look: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | asyncio.Handle | None = None
        self._look_at_all_due = 0.0
        self._pace = _PACE[0]
        self._failures = 0
        #: Since when the store does not answer, and what it says. Read by those who wait.
        self.outage_began = 0.0
        self.outage: ResultStoreUnavailable | None = None
        #: Looks that were not answered, ever.
        self.failed_looks = 0
        self._outage_until = 0.0
        #: Ids that were heard of, in any thread.
        self._heard: deque[str] = deque()
        self._has_heard = False

    # -- for those who wait

    def join(self, listener: Listener, task_ids: Iterable[str]) -> None:
        """Tell the listener of these from now on, until ``leave``."""
        for task_id in task_ids:
            awaited = self._awaited.get(task_id)
            if awaited is None:
                awaited = self._awaited[task_id] = _Awaited(Bell(task_id, self))
            awaited.listeners.add(listener)
        if self._changes is None:
            self._pace = _PACE[0]
            self._look_at_all_due = min(self._look_at_all_due, time.monotonic() + self._pace)

    def leave(self, listener: Listener, task_ids: Iterable[str]) -> None:
        """The listener waits no longer. Idempotent.

        Args:
            listener: The listener.
            task_ids: All that it joined or asked for.
        """
        listener.has_left = True
        left: list[Bell] = []
        for task_id in task_ids:
            askers = self._askers.get(task_id)
            if askers is not None:
                askers.discard(listener)
                if not askers:
                    del self._askers[task_id]
            awaited = self._awaited.get(task_id)
            if awaited is None:
                continue
            awaited.listeners.discard(listener)
            if not awaited.listeners:
                del self._awaited[task_id]
                left.append(awaited.bell)
        if self._changes is not None and left:
            self._changes.leave(left)

    def ask(self, listener: Listener, task_ids: Iterable[str]) -> None:
        """Look at these now: the listener is told of each that has a document."""
        for task_id in task_ids:
            listener.unanswered.add(task_id)
            self._askers.setdefault(task_id, set()).add(listener)
            self._due[task_id] = None
        self._schedule()

    def hear(self, task_id: str) -> None:
        """A result may have changed. From any thread."""
        self._heard.append(task_id)
        if not self._has_heard:
            self._has_heard = True
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._take_heard)

    def close(self) -> None:
        """Look no more. Those who wait are gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._changes is not None and self._awaited:
            self._changes.leave([awaited.bell for awaited in self._awaited.values()])
        self._awaited.clear()
        self._askers.clear()
        self._due.clear()

    # -- when to look

    def _take_heard(self) -> None:
        self._has_heard = False
        while self._heard:
            task_id = self._heard.popleft()
            if task_id in self._awaited:
                self._due[task_id] = None
        self._schedule()

    def _schedule(self) -> None:
        """See to it that there is a look when one is due. What comes meanwhile waits for its end."""
        if self._look is not None:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.outage is not None and (self._due or self._awaited):
            pause = self._outage_until - time.monotonic()
        elif self._due:
            pause = 0.0
        elif self._awaited:
            pause = self._look_at_all_due - time.monotonic()
        else:
            return
        # In no caller's context: a look is for all of them.
        nobodys = contextvars.Context()
        if pause > 0:
            self._timer = self._loop.call_later(pause, self._begin_look, context=nobodys)
        else:
            # Not at once: what is asked for in this turn of the loop goes with it.
            self._timer = self._loop.call_soon(self._begin_look, context=nobodys)

    def _begin_look(self) -> None:
        self._timer = None
        is_whole = time.monotonic() >= self._look_at_all_due
        due = list(dict.fromkeys([*self._due, *(self._awaited if is_whole else ())]))
        self._due = {}
        due = [task_id for task_id in due if task_id in self._awaited or task_id in self._askers]
        if not due:
            self._schedule()
            return
        look = self._look_at(due, is_whole=is_whole)
        self._look = self._loop.create_task(look, context=contextvars.Context())
        self._look.add_done_callback(self._end_look)

    def _end_look(self, look: "asyncio.Task[None]") -> None:
        self._look = None
        self._schedule()

    # -- a look

    async def _look_at(self, task_ids: list[str], *, is_whole: bool) -> None:
        began = time.monotonic()
        left = task_ids
        try:
            self._follow(left)
            while left:
                batch = left[:_BATCH]
                asked = {task_id: self._askers.pop(task_id, set()) for task_id in batch}
                try:
                    documents = await self._get_many(batch)
                except BaseException:
                    self._put_back(asked)
                    raise
                self._tell(batch, documents, asked)
                left = left[_BATCH:]
        except ResultStoreUnavailable as error:
            self._bear(error, left)
        except Exception as error:
            self._fail(error, left)
        except BaseException:
            self._due.update(dict.fromkeys(left))
            raise
        else:
            self.outage = None
            self._failures = 0
            if is_whole:
                self._look_at_all_due = time.monotonic() + self._pause(time.monotonic() - began)

    def _put_back(self, asked: Mapping[str, set[Listener]]) -> None:
        for task_id, askers in asked.items():
            if staying := {listener for listener in askers if not listener.has_left}:
                self._askers.setdefault(task_id, set()).update(staying)

    def _follow(self, task_ids: Iterable[str]) -> None:
        if self._changes is None:
            return
        if not self._changes.connected:
            # Also those that are followed: what listened for them may have ended.
            task_ids = self._awaited
        self._changes.follow([self._awaited[each].bell for each in task_ids if each in self._awaited])

    def _pause(self, look_took: float) -> float:
        if self._changes is not None:
            return _SAFETY if self._changes.connected else _SILENT
        pause = max(self._pace, look_took * (1 / _SHARE - 1))
        self._pace = min(self._pace * 1.5, _PACE[1])
        return pause

    def _tell(
        self, task_ids: Iterable[str], documents: Mapping[str, bytes], asked: Mapping[str, set[Listener]]
    ) -> None:
        woken: set[Listener] = set()
        for task_id in task_ids:
            document = documents.get(task_id)
            told = asked[task_id]
            for listener in told:
                listener.unanswered.discard(task_id)
            woken |= told
            awaited = self._awaited.get(task_id)
            if awaited is not None and awaited.document != document:
                awaited.document = document
                told = told | awaited.listeners
                self._pace = _PACE[0]
            if document is not None:
                for listener in told:
                    listener.news[task_id] = document
                woken |= told
        for listener in woken:
            listener.wake()

    def _bear(self, error: ResultStoreUnavailable, task_ids: Iterable[str]) -> None:
        """Try again later. Who waits decides for how long."""
        now = time.monotonic()
        if self.outage is None:
            self.outage_began = now
        self.outage = error
        self._outage_until = now + _OUTAGE.delay(self._failures)
        self._failures += 1
        self.failed_looks += 1
        self._due.update(dict.fromkeys(task_ids))
        for listener in self._concerned(self._awaited.keys() | self._askers.keys()):
            listener.wake()

    def _fail(self, error: Exception, task_ids: Iterable[str]) -> None:
        """Nothing would be other at the next try."""
        for listener in self._concerned(task_ids):
            listener.failure = error
            listener.wake()

    def _concerned(self, task_ids: Iterable[str]) -> set[Listener]:
        concerned: set[Listener] = set()
        for task_id in task_ids:
            concerned |= self._askers.get(task_id, set())
            if task_id in self._awaited:
                concerned |= self._awaited[task_id].listeners
        return concerned
