"""Some connections to one server, lent out one at a time: the one used last first.

Owned by ``RedisLink``. Its fast way has no lock: what is idle lies in a list, whose ``pop`` and ``append``
are atomic, and being in that list is the permission to use it.
"""

import contextlib
import os
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

from redis.connection import Connection

#: How often to look for an answer before sleeping: about 0.1 ms.
LOOKS: Final = 60
#: A server that has not answered by then is far away: for so many answers we sleep at once.
NOT_AGAIN_FOR: Final = 50

_give_way: Final[Callable[[], None]] = getattr(os, "sched_yield", lambda: None)


class Line:
    """A connection on loan."""

    __slots__ = ("_asleep_for", "_has_something", "connection", "socket")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        #: For whoever sends without redis-py's own checks.
        self.socket: socket.socket = vars(connection)["_sock"]
        self._has_something = _watch(self.socket)
        #: For so many answers it is not worth staying awake.
        self._asleep_for = 0

    def stay_awake(self) -> None:
        """Look for an answer for a moment before sleeping until it comes.

        A server on this machine answers sooner than the system would wake us, and publishing is half as fast
        again. Whatever else wants the processor gets it.
        """
        if self._asleep_for:
            self._asleep_for -= 1
            return
        for _ in range(LOOKS):
            if self._has_something():
                return
            _give_way()
        self._asleep_for = NOT_AGAIN_FOR

    @property
    def is_stale(self) -> bool:
        """Whether the server closed it, or sent what nobody asked for, while it was idle."""
        return self._has_something()


def _watch(one: socket.socket) -> Callable[[], bool]:
    """What says whether there is something to read, or the other end is gone."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(one, select.POLLIN)
        return lambda: bool(poll.poll(0))
    # Windows, where a socket's number may be as large as it likes.
    return lambda: bool(select.select([one], [], [], 0)[0])


class Pool:
    """At most so many connections. Thread-safe.

    Args:
        make: Makes a connection within so many seconds.
    """

    def __init__(self, most: int, make: Callable[[float], Connection]) -> None:
        self._make = make
        self._idle: list[Line] = []
        self._changed = threading.Condition()  # guards the next two
        self._to_make = most
        self._waiting = 0

    def borrow(self, deadline: float) -> Line | None:
        """A line for the caller alone until ``give_back`` or ``drop``; None if none came free in time.

        Args:
            deadline: Monotonic seconds. Whoever uses the line gets an error when an answer comes later.

        Raises:
            RedisError, OSError: A new connection could not be made.
        """
        while True:
            try:
                line = self._idle.pop()
            except IndexError:
                return self._wait_or_make(deadline)
            left = deadline - time.monotonic()
            if left > 0 and not line.is_stale:
                line.socket.settimeout(left)
                return line
            self.drop(line)

    def give_back(self, line: Line) -> None:
        """The line may be used by others."""
        self._idle.append(line)
        if self._waiting:
            with self._changed:
                self._changed.notify()

    def drop(self, line: Line) -> None:
        """The line is out of step or broken: close it."""
        line.connection.disconnect()
        self._may_make_one_more()

    def close(self) -> None:
        """Close what is idle."""
        with contextlib.suppress(IndexError):
            while True:
                self.drop(self._idle.pop())

    def _wait_or_make(self, deadline: float) -> Line | None:
        with self._changed:
            self._waiting += 1
            try:
                # Counted as waiting before the last look: whoever gives back after it, notifies.
                while not self._idle and not self._to_make:
                    if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                        return None
            finally:
                self._waiting -= 1
            if self._idle:
                makes = False
            else:
                self._to_make -= 1
                makes = True
        if not makes:
            return self.borrow(deadline)
        try:
            connection = self._make(max(0.01, deadline - time.monotonic()))
            connection._sock.settimeout(max(0.01, deadline - time.monotonic()))  # type: ignore[attr-defined]
            return Line(connection)
        except BaseException:
            self._may_make_one_more()
            raise

    def _may_make_one_more(self) -> None:
        with self._changed:
            self._to_make += 1
            self._changed.notify()
