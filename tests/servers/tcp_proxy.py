"""A bad network: stands between a client and a server, and delays, holds back or cuts what passes.

Used by tests of what a client makes of that. Threads of the test's own process, which ``close`` ends.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from typing import Final

#: Closing with this sends a reset, as a firewall does that has forgotten the connection.
_RESET: Final = struct.pack("ii", 1, 0)


class TcpProxy:
    """One port that leads to another. What arrives passes at once, until a method says otherwise."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._passing = threading.Event()
        self._passing.set()
        self._answering = threading.Event()
        self._answering.set()
        self._closing = threading.Event()
        self._seconds = 0.0  # written by the test, read by the threads that pump
        self._lock = threading.Lock()  # guards the next two
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def delay(self, seconds: float) -> None:
        """Everything takes so much longer, in each direction."""
        self._seconds = seconds

    def hold(self) -> None:
        """Nothing passes any more, and nobody is told: a black hole. New connections get no answer."""
        self._passing.clear()

    def hold_answers(self) -> None:
        """What clients say arrives, and nothing comes back."""
        self._answering.clear()

    def go_on(self) -> None:
        """Let pass what was held back, as TCP does when a network is back, and what comes."""
        self._passing.set()
        self._answering.set()

    def cut(self) -> None:
        """Reset every connection that there is. What was held back is gone."""
        with self._lock:
            sockets, self._sockets = self._sockets, set()
        for one in sockets:
            _reset(one)

    def close(self) -> None:
        """End it, and its threads."""
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        self.go_on()
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join()

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        with self._lock:
            self._threads = [one for one in self._threads if one.is_alive() or one.ident is None]
            self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self._closing.is_set():
                client, _ = self._listener.accept()
                self._lead(client)

    def _lead(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            _reset(client)
            return
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._sockets |= {client, server}
        self._start(self._pump, client, server, self._passing)
        self._start(self._pump, server, client, self._answering)

    def _pump(self, source: socket.socket, target: socket.socket, gate: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                self._closing.wait(self._seconds)
                self._passing.wait()
                gate.wait()
                target.sendall(chunk)
        with self._lock:
            self._sockets -= {source, target}
        for one in (source, target):
            # The other pump may be blocked on it: closing alone would not end that.
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def _reset(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        one.shutdown(socket.SHUT_RDWR)
    one.close()
