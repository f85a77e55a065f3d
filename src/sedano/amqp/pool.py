"""The connections of one process that publish, lent out one at a time: the one used last first.

Owned by publishers. Thread-safe; after a fork the child opens connections of its own.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from sedano.amqp.confirms import Confirms
from sedano.amqp.failures import NAME
from sedano.amqp.link import AmqpLink
from sedano.errors import BrokerUnavailable

#: Enough for the threads of one process: a publication holds a connection for about a millisecond.
MOST_CONNECTIONS: Final = 10


class Line:
    """A connection on loan, and its channel that is confirmed."""

    def __init__(self, link: AmqpLink) -> None:
        self.link = link
        self._confirms: Confirms | None = None

    def confirms(self) -> Confirms:
        """Made anew where the server has closed it."""
        if self._confirms is None or not self._confirms.is_open:
            self._confirms = Confirms(self.link)
        return self._confirms


class LinkPool:
    """At most so many connections.

    Args:
        make: Makes a link; it is opened here.
    """

    def __init__(self, make: Callable[[], AmqpLink], *, most: int = MOST_CONNECTIONS) -> None:
        self._make = make
        self._most = most
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._changed = threading.Condition()  # guards the next two
        self._idle: list[Line] = []
        self._to_make = self._most

    @contextlib.contextmanager
    def lend(self, deadline: float) -> Iterator[Line]:
        """An open connection for as long as the block lasts. All that is done there is over in time.

        Args:
            deadline: Monotonic seconds.

        Raises:
            BrokerUnavailable: None could be had in time, or what is done in the block says so.
        """
        line = self._borrow(deadline)
        try:
            if line.link.is_stale():
                line.link.forget()
            line.link.open(deadline)
            with line.link.within(deadline=deadline):
                yield line
        finally:
            self._give_back(line)

    def close(self) -> None:
        """Close what is idle. Idempotent; used again, it connects again."""
        self._notice_a_fork()
        with self._changed:
            idle, self._idle = self._idle, []
            self._to_make += len(idle)
        for line in idle:
            line.link.close()

    def _borrow(self, deadline: float) -> Line:
        self._notice_a_fork()
        with self._changed:
            while not self._idle and not self._to_make:
                if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                    raise BrokerUnavailable(NAME, "no answer in time: all connections wait for the server")
            if not self._idle:
                self._to_make -= 1
                return Line(self._make())
            return self._idle.pop()

    def _give_back(self, line: Line) -> None:
        if self._pid != os.getpid():
            line.link.forget()
            return
        with self._changed:
            if line.link.is_open:
                self._idle.append(line)
            else:
                self._to_make += 1
            self._changed.notify()

    def _notice_a_fork(self) -> None:
        if self._pid != os.getpid():
            inherited = self._idle
            self._begin()
            for line in inherited:
                line.link.forget()
