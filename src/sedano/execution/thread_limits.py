"""Time limits of tasks that run in threads: exceptions raised inside them from another thread.

``arm`` and ``disarm`` are called round a task's function, in its thread; ``raise_overdue`` by the thread that
hands the jobs out. Such an exception comes when the thread next runs Python code: one that waits in a system
call, or computes in C, gets it afterwards.
"""

import contextlib
import ctypes
import math
import os
import threading
from time import monotonic, sleep
from typing import Final

from sedano.errors import SoftTimeLimitExceeded
from sedano.execution.limits import HardLimitPassed

_raise_in: Final = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_ulong, ctypes.py_object)(
    ("PyThreadState_SetAsyncExc", ctypes.pythonapi)
)


class _Call:
    """One call under limits."""

    __slots__ = ("due", "raised", "raising")

    def __init__(self, due: list[tuple[float, type[Exception]]]) -> None:
        #: When to raise what (monotonic seconds), the next one last. Changed by the raising thread only.
        self.due = due
        # Written by the raising thread, read by the call's own.
        self.raised = False
        self.raising = False


class ThreadLimits:
    """The limits of all calls in the threads of one process."""

    def __init__(self) -> None:
        #: Thread → its call. A call is taken out by its own thread when it ends, and by the raising thread
        #: before it raises: whoever has taken it out knows that the other one has not.
        self._calls: dict[int, _Call] = {}
        self._own = threading.local()
        self._lock = threading.Lock()  # guards _next_look, so that no call is armed unseen
        self._next_look = math.inf
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)

    def arm(self, soft: float | None, hard: float | None) -> None:
        """This thread's call is to be interrupted after so many seconds."""
        now = monotonic()
        due: list[tuple[float, type[Exception]]] = []
        if hard is not None:
            due.append((now + hard, HardLimitPassed))
        if soft is not None and (hard is None or soft < hard):
            due.append((now + soft, SoftTimeLimitExceeded))
        if not due:
            return
        call = self._own.call = _Call(due)
        with self._lock:
            self._calls[threading.get_ident()] = call
            is_next = due[-1][0] < self._next_look
        if is_next:
            with contextlib.suppress(BlockingIOError):
                os.write(self._writer, b"\0")

    def disarm(self) -> None:
        """This thread's call is over. What is on its way comes now, or not at all. Idempotent."""
        call: _Call | None = getattr(self._own, "call", None)
        thread = threading.get_ident()
        taken = self._calls.pop(thread, None)
        if call is None or (taken is not None and not call.raised):
            self._own.call = None
            return
        while call.raising:
            sleep(0)
        self._calls.pop(thread, None)
        self._own.call = None
        # What has been raised and has not come yet comes here: the interpreter looks for it when the thread
        # gets its lock back, and at the end of a loop's turn. To take it back, by raising NULL, would have
        # Python up to 3.12 look for it ever after; under a profiler it gets no further then.
        for _ in range(2):
            sleep(0)

    def fileno(self) -> int:
        """Readable when ``raise_overdue`` is to be called sooner than it has said."""
        return self._reader

    def raise_overdue(self) -> float | None:
        """Interrupt the calls whose limits have passed. Returns the seconds until the next limit passes."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._reader, 65536)
        now = monotonic()
        for thread, call in list(self._calls.items()):
            if call.due[-1][0] <= now:
                self._interrupt(thread, call)
        with self._lock:
            limits = [call.due[-1][0] for call in list(self._calls.values())]
            self._next_look = min(limits, default=math.inf)
            return None if self._next_look == math.inf else max(0.0, self._next_look - monotonic())

    def _interrupt(self, thread: int, call: _Call) -> None:
        call.raising = True
        if self._calls.pop(thread, None) is call:
            call.raised = True
            _raise_in(thread, call.due.pop()[1])
            if call.due:
                self._calls[thread] = call
        call.raising = False
