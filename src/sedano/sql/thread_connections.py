"""One SQLite connection for each thread, closed with the thread and before a fork.

Used by ``SqliteDatabase`` and by nothing else. Never runs a statement.

Why a fork closes them: SQLite must not be carried across one, not even unused. Its locks belong to the
process, but the library's memory of them is copied, so the child would believe it holds locks that only
its parent holds, and the parent's last close would then delete the write-ahead log under the child
(sqlite.org/howtocorrupt.html, 2.6). So ``os.fork`` waits for running transactions, closes every connection,
forks, and both sides open new ones when they need them. What could not be closed (a transaction that hangs)
is abandoned in the child: neither used nor closed there.
"""

import ctypes
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable
from typing import Final

#: How long a fork waits for another thread's transaction. They last milliseconds.
_LONGEST_FORK_DELAY: Final = 2.0


class ThreadConnection:
    """A thread's place for a connection. Use ``connection`` only while holding ``lock``.

    The lock is taken directly (``with place.lock:``), because no signal handler that raises (a soft time
    limit) can come between taking a C lock and entering the block. It is reentrant, so a handler that
    publishes gets an error instead of a deadlock.
    """

    __slots__ = ("__weakref__", "connection", "file", "lock", "look_again_at", "pid")

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.connection: sqlite3.Connection | None = None
        #: Device and inode of the file that the connection opened, and when to see if it is still there.
        self.file: tuple[int, int] | None = None
        self.look_again_at = 0.0
        self.pid = os.getpid()

    def close(self) -> None:
        """Close the connection if there is one. The caller holds the lock, or is the last to know us."""
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()

    def abandon(self) -> None:
        """Make sure that the connection is never closed in this process: it belongs to its parent."""
        if self.connection is not None:
            # One reference that nobody gives back: not even the end of the interpreter deallocates it.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self.connection))
            self.connection = None

    def __del__(self, getpid: Callable[[], int] = os.getpid) -> None:
        # Runs when the thread ends: its threading.local was the only one that kept us. At the end of the
        # interpreter the module's names may be gone by then, so what is needed of them is bound here.
        if self.pid == getpid():
            self.close()


class ThreadConnections:
    """The places of all threads that use one database."""

    def __init__(self) -> None:
        self._begin_anew()
        _all_of_this_process.add(self)

    def _begin_anew(self) -> None:
        self._local = threading.local()
        self._places: weakref.WeakSet[ThreadConnection] = weakref.WeakSet()
        self._places_lock = threading.Lock()  # guards _places
        self._held_for_fork: list[ThreadConnection] = []

    def mine(self) -> ThreadConnection:
        """The calling thread's place."""
        try:
            return self._local.place  # type: ignore[no-any-return]
        except AttributeError:
            place = ThreadConnection()
            with self._places_lock:
                self._places.add(place)
            self._local.place = place
            return place

    def close(self) -> None:
        """Close all connections, each when its thread has finished with it. Used again, they open again."""
        with self._places_lock:
            places = list(self._places)
        for place in places:
            with place.lock:
                place.close()

    def before_fork(self) -> None:
        self._places_lock.acquire()
        for place in list(self._places):
            if place.lock.acquire(timeout=_LONGEST_FORK_DELAY):
                self._held_for_fork.append(place)
                place.close()

    def after_fork_in_parent(self) -> None:
        held, self._held_for_fork = self._held_for_fork, []
        for place in held:
            place.lock.release()
        self._places_lock.release()

    def after_fork_in_child(self) -> None:
        for place in list(self._places):
            place.abandon()
        self._begin_anew()


_all_of_this_process: Final[weakref.WeakSet[ThreadConnections]] = weakref.WeakSet()


if hasattr(os, "register_at_fork"):
    _one_fork_at_a_time = threading.Lock()
    _forking: list[ThreadConnections] = []  # owned by the holder of the lock above

    def _before() -> None:
        _one_fork_at_a_time.acquire()
        # The same ones are told before and after, whatever is opened or collected in between.
        _forking.extend(_all_of_this_process)
        for connections in _forking:
            connections.before_fork()

    def _after_in_parent() -> None:
        while _forking:
            _forking.pop().after_fork_in_parent()
        _one_fork_at_a_time.release()

    def _after_in_child() -> None:
        while _forking:
            _forking.pop().after_fork_in_child()
        _one_fork_at_a_time.release()

    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
