"""The bytes under a connection: read in large pieces, written in large pieces, never beyond a deadline.

Used by ``AmqpLink``, as the transport of py-amqp, whose own one reads each frame in three calls, waits for
each of them anew, and spins while half a frame is there. Owned by one thread.
"""

import contextlib
import select
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from struct import Struct
from typing import Any, Final

from amqp.exceptions import UnexpectedFrame
from amqp.transport import TCPTransport

_HEADER: Final = Struct(">BHI")
#: Header and end mark of a frame.
_AROUND: Final = 8
_END_MARK: Final = 0xCE
#: A connection that nobody uses is asked after every minute, so that firewalls do not forget it. Seconds.
_KEEPALIVE: Final = {
    getattr(socket, name): value
    for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 9))
    if hasattr(socket, name)
}
_READ_SIZE: Final = 128 * 1024
#: So much is gathered before it is sent.
_SEND_SIZE: Final = 256 * 1024


class Wire(TCPTransport):  # type: ignore[misc]
    """py-amqp's transport. Whatever takes longer than to ``deadline`` ends in ``TimeoutError``.

    Args:
        tls: Wraps the socket; None for a connection in the clear.
        server_hostname: Whose certificate is expected.
    """

    def __init__(
        self, host: str, *, tls: ssl.SSLContext | None = None, server_hostname: str | None = None, **rest: Any
    ) -> None:
        super().__init__(host, **rest)
        self.sock: Any = None
        self._tls = tls
        self._server_hostname = server_hostname
        #: Monotonic seconds.
        self.deadline = time.monotonic() + (self.connect_timeout or 0.0)
        self._buffer = b""
        self._start = 0
        self._gathering: list[bytes] | None = None
        self._gathered = 0
        #: Something has been sent in part: nothing else can be sent.
        self.is_broken_off = False
        self._poll: select.poll | None = None

    # -- what py-amqp calls

    def _connect(self, host: str, port: int, timeout: float) -> None:
        """As ``socket.create_connection``, but all addresses together have the time of one."""
        error: OSError | None = None
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
            self.sock = socket.socket(family, kind, protocol)
            try:
                self.sock.settimeout(self._left())
                self.sock.connect(address)
            except OSError as failed:
                self.sock.close()
                self.sock = None
                error = failed
            else:
                return
        raise error or OSError(f"{host} has no address")

    def _set_socket_options(self, settings: Mapping[int, int]) -> None:
        """Only those that are meant: py-amqp sets every option that there is, to what it is."""
        for option, value in {socket.TCP_NODELAY: 1, **_KEEPALIVE, **settings}.items():
            self.sock.setsockopt(socket.IPPROTO_TCP, option, value)

    def _setup_transport(self) -> None:
        self.sock.settimeout(self._left())
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(
                self.sock, server_hostname=self._server_hostname or self.host, suppress_ragged_eofs=True
            )
        self._write = self._send
        if hasattr(select, "poll"):
            self._poll = select.poll()
            self._poll.register(self.sock, select.POLLIN)

    def read_frame(self, unpack: Any = None) -> tuple[int, int, bytes]:
        """The next frame; waits for it."""
        while (frame := self.next_frame()) is None:
            if not self.is_readable(self._left()):
                raise TimeoutError("no answer in time")
            self.fill()
        return frame

    @contextlib.contextmanager
    def having_timeout(self, timeout: float | None) -> Iterator[Any]:
        """Deadlines are what counts here."""
        yield self.sock

    # -- what the link calls

    def next_frame(self) -> tuple[int, int, bytes] | None:
        """The next frame, if it has been read: its type, its channel, what is in it."""
        buffer, start = self._buffer, self._start
        if len(buffer) < start + _AROUND:
            return None
        kind, channel, size = _HEADER.unpack_from(buffer, start)
        end = start + size + _AROUND
        if len(buffer) < end:
            return None
        if buffer[end - 1] != _END_MARK:
            self.connected = False
            raise UnexpectedFrame("this is not AMQP 0-9-1: a frame has no end mark")
        self._start = end
        return kind, channel, buffer[start + _AROUND - 1 : end - 1]

    def has_frame(self) -> bool:
        """Whether a whole frame has been read."""
        have = len(self._buffer) - self._start
        return have >= _AROUND and have >= _HEADER.unpack_from(self._buffer, self._start)[2] + _AROUND

    def fill(self) -> None:
        """Read what there is. To be called when there is something."""
        if self._tls is None:
            self.sock.settimeout(self._left())
            piece = self.sock.recv(_READ_SIZE)
        else:
            # What there is may be for the TLS layer alone, or half a record.
            self.sock.settimeout(0.0)
            try:
                piece = self.sock.recv(_READ_SIZE)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
        if not piece:
            self.connected = False
            raise ConnectionResetError("the server closed the connection")
        self._buffer = self._buffer[self._start :] + piece
        self._start = 0

    def is_readable(self, seconds: float) -> bool:
        """Whether there is something to read, or the other end is gone; waits for it so long."""
        if self.tls_pending():
            return True
        if self._poll is not None:
            return bool(self._poll.poll(max(0.0, seconds) * 1000))
        # Windows, where a socket's number may be as large as it likes.
        return bool(select.select([self.sock], [], [], max(0.0, seconds))[0])

    def tls_pending(self) -> bool:
        """Whether something has been read from the network that nobody has taken yet."""
        return self._tls is not None and bool(self.sock.pending())

    @contextlib.contextmanager
    def gathered(self) -> Iterator[None]:
        """What is written within goes out together at the end, or in large pieces."""
        if self._gathering is not None:
            yield
            return
        self._gathering, self._gathered = [], 0
        try:
            yield
            self.flush()
        finally:
            self._gathering = None

    def flush(self) -> None:
        """Send what has been gathered."""
        if self._gathering:
            together = b"".join(self._gathering)
            self._gathering, self._gathered = [], 0
            self._send_now(together)

    def forget(self) -> None:
        """Close this process's end only: after a fork the connection is the parent's."""
        if self.sock is not None:
            self.sock.close()
            self.sock = None
        self.connected = False

    # -- within

    def _send(self, piece: bytes | memoryview) -> None:
        if self._gathering is None:
            self._send_now(piece)
            return
        self._gathering.append(bytes(piece))  # py-amqp writes into the same buffer again
        self._gathered += len(piece)
        if self._gathered >= _SEND_SIZE:
            self.flush()

    def _send_now(self, piece: bytes | memoryview) -> None:
        if self.sock is None:
            raise ConnectionResetError("the connection is closed")
        self.sock.settimeout(self._left())
        self.is_broken_off = True
        self.sock.sendall(piece)
        self.is_broken_off = False

    def _left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer in time")
        return left
