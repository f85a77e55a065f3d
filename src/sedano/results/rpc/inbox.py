"""The replies that have come to this process, and who waits for them.

Filled by ``Listener``, read by ``RpcResultStore``. Keeps the last reply of each task. Never connects.
"""

import threading
import time
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

import msgspec

from sedano import states
from sedano.results.lookout import Bell

#: So many replies are kept that nobody waits for; then the oldest ones go.
MOST_KEPT: Final = 10_000
#: Nobody waits longer than this without a look: for a reply that came just before the wait began.
_LONGEST_WAIT: Final = 2.0


class _Status(msgspec.Struct):
    status: str = ""


_STATUS: Final = msgspec.json.Decoder(_Status)


class _Kept(NamedTuple):
    document: bytes
    #: When it came, counted in replies.
    moment: int
    #: Monotonic seconds after which it is forgotten.
    expires_at: float


class Inbox:
    """Thread-safe.

    Args:
        keep_for: Seconds that a reply is kept; None keeps it until others take its place.
    """

    def __init__(self, *, keep_for: float | None) -> None:
        self._keep_for = keep_for
        self._lock = threading.Lock()  # guards all that follows
        #: The oldest first.
        self._kept: dict[str, _Kept] = {}
        self._moment = 0
        self._waiting: dict[str, set[threading.Event | Bell]] = {}

    @property
    def moment(self) -> int:
        """The present, counted in replies."""
        return self._moment

    def put(self, task_id: str, document: bytes) -> None:
        """Take in a reply; a success is final."""
        with self._lock:
            before = self._kept.pop(task_id, None)
            if before is not None and _is_success(before.document):
                self._kept[task_id] = before
                return
            self._moment += 1
            now = time.monotonic()
            expires_at = float("inf") if self._keep_for is None else now + self._keep_for
            self._kept[task_id] = _Kept(document, self._moment, expires_at)
            self._forget_old(now)
            for waiter in self._waiting.get(task_id, ()):
                waiter.set()

    def get_many(self, task_ids: Iterable[str]) -> dict[str, bytes]:
        """The documents of those tasks whose replies are here."""
        now = time.monotonic()
        with self._lock:
            found = ((task_id, self._kept.get(task_id)) for task_id in task_ids)
            return {
                task_id: kept.document
                for task_id, kept in found
                if kept is not None and kept.expires_at > now
            }

    def wait(self, task_ids: Collection[str], *, since: int, timeout: float | None) -> None:
        """Sleep until one of these has come after ``since``, or the time is up."""
        woken = threading.Event()
        with self._lock:
            for task_id in task_ids:
                kept = self._kept.get(task_id)
                if kept is not None and kept.moment > since:
                    return
                self._waiting.setdefault(task_id, set()).add(woken)
        try:
            woken.wait(_LONGEST_WAIT if timeout is None else min(timeout, _LONGEST_WAIT))
        finally:
            with self._lock:
                for task_id in task_ids:
                    self._leave(task_id, woken)

    def follow(self, bells: Collection[Bell]) -> None:
        """Ring these when their replies come, until ``leave``. Idempotent."""
        with self._lock:
            for bell in bells:
                self._waiting.setdefault(bell.task_id, set()).add(bell)

    def leave(self, bells: Collection[Bell]) -> None:
        """Ring them no more."""
        with self._lock:
            for bell in bells:
                self._leave(bell.task_id, bell)

    def forget(self, task_id: str) -> None:
        """Drop what has come. Idempotent."""
        with self._lock:
            self._kept.pop(task_id, None)

    # -- with the lock held

    def _leave(self, task_id: str, waiter: threading.Event | Bell) -> None:
        waiters = self._waiting.get(task_id)
        if waiters is not None:
            waiters.discard(waiter)
            if not waiters:
                del self._waiting[task_id]

    def _forget_old(self, now: float) -> None:
        while self._kept:
            oldest = next(iter(self._kept))
            if self._kept[oldest].expires_at > now and len(self._kept) <= MOST_KEPT:
                return
            kept = self._kept.pop(oldest)
            if oldest in self._waiting and kept.expires_at > now:
                self._kept[oldest] = kept  # somebody is about to read it
                return


def _is_success(document: bytes) -> bool:
    """Whether it is known to be one: of those that are not JSON nobody looks."""
    try:
        return _STATUS.decode(document).status == states.SUCCESS
    except msgspec.MsgspecError:
        return False
