"""The one thread of a process that hears of changed results, for all threads and loops that wait for one.

Used by ``RedisResultStore.wait``, and by lookouts. Never reads a result: those who wait are woken, and look
themselves. What it could not hear (it had no connection yet, or lost it) counts as a change: nobody waits in
vain.
"""

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final, Protocol

from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from sedano.errors import SedanoError

#: While there is no connection those who wait look for themselves this often.
_POLLING: Final = 0.25
#: Nobody waits longer than this without a look of their own: for a message that some proxy swallowed.
_LONGEST_WAIT: Final = 2.0
#: A channel is left this long after the last one waiting for it: callers look, and then wait again.
_LINGER: Final = 2.0
#: The thread ends after this long without a channel.
_IDLE: Final = 10.0
#: How often channels that nobody waits for are looked for.
_ROUND: Final = 1.0
#: A connection that was silent for this long is asked for a sign of life, and dropped after twice as long.
_SILENCE: Final = 5.0
#: Seconds between attempts to connect: the first and the longest.
_RECONNECT: Final = (0.05, 1.0)
#: Channels in one SUBSCRIBE.
_BATCH: Final = 500


class Waiter(Protocol):
    """Who is told of a change: an event of a thread's, or a bell of an event loop's."""

    def set(self) -> None:
        """Something has changed. Called with the lock held: returns at once."""


class _Channel:
    """One result that somebody waits for, or did a moment ago."""

    __slots__ = ("changed", "left_at", "waiters")

    def __init__(self) -> None:
        #: The moment of the last change, in the subscriber's own count of moments.
        self.changed = 0
        self.waiters: set[Waiter] = set()
        self.left_at = 0.0


class Subscriber:
    """Wakes the threads that wait for a channel. Of one process: a fork needs a new one.

    Args:
        connect: Makes a connection of redis-py's (RESP2) that belongs to this subscriber alone.
    """

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._lock = threading.Lock()  # guards all that follows
        self._channels: dict[bytes, _Channel] = {}
        self._unsent: set[bytes] = set()
        self._moment = 0
        self._connected = False
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()
        self._waker: socket.socket | None = None

    @property
    def moment(self) -> int:
        """The present, counted in changes. A look at the results that begins now sees all until this one."""
        return self._moment

    def wait(self, channels: Collection[bytes], *, since: int, timeout: float | None) -> int:
        """Sleep until one of these has changed after ``since``, or the time is up; the moment it is then."""
        woken = threading.Event()
        with self._lock:
            followed = [self._follow(channel, woken) for channel in channels]
            longest = _LONGEST_WAIT if self._connected else _POLLING
            if any(channel.changed > since for channel in followed):
                woken.set()
            self._send_unsent()
        try:
            woken.wait(longest if timeout is None else min(timeout, longest))
        finally:
            with self._lock:
                now = time.monotonic()
                for channel in followed:
                    channel.waiters.discard(woken)
                    channel.left_at = now
                moment = self._moment
        return moment

    @property
    def connected(self) -> bool:
        """It would hear of a change now."""
        return self._connected

    def follow(self, waiters: Mapping[bytes, Waiter]) -> None:
        """Tell each waiter of the changes of its channel, until ``leave``. Returns at once; idempotent."""
        with self._lock:
            for name, waiter in waiters.items():
                self._follow(name, waiter)
            self._send_unsent()

    def leave(self, waiters: Mapping[bytes, Waiter]) -> None:
        """Tell them no more."""
        now = time.monotonic()
        with self._lock:
            for name, waiter in waiters.items():
                channel = self._channels.get(name)
                if channel is not None:
                    channel.waiters.discard(waiter)
                    channel.left_at = now

    def close(self) -> None:
        """End the thread and its connection, and wake those who wait. Used again, it starts again."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._connected = False
            self._closed.set()
            self._ring()
            self._change(self._channels.values())
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    # -- all with the lock held

    def _follow(self, name: bytes, woken: Waiter) -> _Channel:
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = _Channel()
            self._unsent.add(name)
        channel.waiters.add(woken)
        return channel

    def _send_unsent(self) -> None:
        if self._thread is None:
            ear, self._waker = socket.socketpair()
            ear.setblocking(False)
            self._waker.setblocking(False)
            self._unsent.update(self._channels)
            self._closed = threading.Event()
            self._thread = threading.Thread(
                target=self._run, args=(ear, self._waker, self._closed), name="sedano-results", daemon=True
            )
            self._thread.start()
        elif self._unsent:
            self._ring()

    def _ring(self) -> None:
        if self._waker is not None:
            with contextlib.suppress(OSError):  # it has been rung already, or nobody listens any more
                self._waker.send(b"\0")

    def _change(self, channels: Iterable[_Channel]) -> None:
        self._moment += 1
        for channel in channels:
            channel.changed = self._moment
            for woken in channel.waiters:
                woken.set()

    def _forget_left(self) -> list[bytes]:
        longest_ago = time.monotonic() - _LINGER
        left = [
            name
            for name, channel in self._channels.items()
            if not channel.waiters and channel.left_at < longest_ago
        ]
        for name in left:
            del self._channels[name]
            self._unsent.discard(name)
        return left

    # -- the thread

    def _run(self, ear: socket.socket, waker: socket.socket, closed: threading.Event) -> None:
        try:
            with ear, waker:
                self._listen_again_and_again(ear, closed)
        finally:
            with self._lock:
                if self._is_mine():  # it was not to end: the next to wait begins another
                    self._thread = None

    def _listen_again_and_again(self, ear: socket.socket, closed: threading.Event) -> None:
        pause, longest_pause = _RECONNECT
        while not closed.is_set():
            began = time.monotonic()
            with contextlib.suppress(SedanoError, RedisError, OSError):
                self._connect_and_listen(ear)
            if not self._is_mine():
                return
            pause = _RECONNECT[0] if time.monotonic() - began > longest_pause else pause
            closed.wait(pause)
            pause = min(2 * pause, longest_pause)

    def _connect_and_listen(self, ear: socket.socket) -> None:
        connection = self._connect()
        try:
            self._listen(connection, ear)
        finally:
            self._lose_connection()
            connection.disconnect()

    def _is_mine(self) -> bool:
        return self._thread is threading.current_thread()

    def _lose_connection(self) -> None:
        with self._lock:
            if self._is_mine():
                self._connected = False
                self._change(self._channels.values())

    def _listen(self, connection: Any, ear: socket.socket) -> None:
        with self._lock:
            self._connected = True
            self._unsent.update(self._channels)
        heard_at = asked_at = used_at = round_at = time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(ear, selectors.EVENT_READ)
            selector.register(_socket_of(connection), selectors.EVENT_READ)
            while self._is_mine():
                self._subscribe(connection)
                ready = {key.fileobj for key, _ in selector.select(_ROUND)}
                if ear in ready:
                    ear.recv(4096)
                now = time.monotonic()
                if ready - {ear}:
                    self._hear(connection)
                    heard_at = now
                if now - heard_at > 2 * _SILENCE:
                    raise RedisTimeoutError("The server has fallen silent.")
                if now - max(heard_at, asked_at) > _SILENCE:
                    connection.send_command("PING")
                    asked_at = now
                if now - round_at >= _ROUND:
                    round_at = now
                    used_at = now if self._unsubscribe(connection) else used_at
                    if now - used_at > _IDLE and self._retire():
                        return

    def _subscribe(self, connection: Any) -> None:
        with self._lock:
            unsent, self._unsent = list(self._unsent), set()
        for start in range(0, len(unsent), _BATCH):
            connection.send_command("SUBSCRIBE", *unsent[start : start + _BATCH])

    def _unsubscribe(self, connection: Any) -> bool:
        """Leave what nobody waits for; whether there is anything else."""
        with self._lock:
            left = self._forget_left()
            in_use = bool(self._channels)
        for start in range(0, len(left), _BATCH):
            connection.send_command("UNSUBSCRIBE", *left[start : start + _BATCH])
        return in_use

    def _retire(self) -> bool:
        with self._lock:
            if self._channels:
                return False
            self._thread = None
            self._connected = False
            return True

    def _hear(self, connection: Any) -> None:
        """Take in what has come. A confirmed subscription is a change: what came before it was missed."""
        while connection.can_read(timeout=0):
            answer: Any = connection.read_response(push_request=True)
            if isinstance(answer, list) and answer[0] in (b"message", b"subscribe"):
                with self._lock:
                    channel = self._channels.get(answer[1])
                    if channel is not None:
                        self._change((channel,))


def _socket_of(connection: Any) -> socket.socket:
    # redis-py has no public way to wait for a connection and for something else at once.
    found: socket.socket = connection._sock
    return found
