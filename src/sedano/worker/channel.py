"""Length-prefixed messages over a stream socket, for both ends of every pipe in a node.

A message is four bytes of length (big-endian), then that many bytes. ``Channel`` blocks (children, zygote);
``BufferedChannel`` never does (the parent's loop). Never looks inside a message.
"""

import socket
import struct
from typing import Final

_LENGTH: Final = struct.Struct("!I")
#: Larger than most reports; below the size (128 KiB) from which malloc asks the system for every buffer.
_READ_SIZE: Final = 64 * 1024


class Channel:
    """The blocking end. One reader and one writer at a time."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(True)
        self.connection = connection

    def fileno(self) -> int:
        return self.connection.fileno()

    def send(self, message: bytes) -> None:
        """Send one message, all of it. Raises ``OSError`` when the other end is gone."""
        self.connection.sendall(_LENGTH.pack(len(message)) + message)

    def receive(self) -> bytes | None:
        """The next message; None when the other end is gone."""
        header = self._exactly(_LENGTH.size)
        if header is None:
            return None
        return self._exactly(_LENGTH.unpack(header)[0])

    def receive_with_descriptors(self, most: int) -> tuple[bytes | None, list[int]]:
        """The next message and the file descriptors sent with it (``send_with_descriptors``)."""
        header, descriptors, _, _ = socket.recv_fds(self.connection, _LENGTH.size, most)
        if not header:
            return None, descriptors
        if len(header) < _LENGTH.size:
            rest = self._exactly(_LENGTH.size - len(header))
            if rest is None:
                return None, descriptors
            header += rest
        return self._exactly(_LENGTH.unpack(header)[0]), descriptors

    def _exactly(self, size: int) -> bytes | None:
        parts: list[bytes] = []
        while size:
            part = self.connection.recv(min(size, _READ_SIZE))
            if not part:
                return None
            parts.append(part)
            size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        self.connection.close()


class BufferedChannel:
    """The parent's end: keeps what the socket does not take yet, and what came only in part."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.connection = connection
        self.closed = False
        self._incoming = bytearray()
        self._outgoing = bytearray()

    def fileno(self) -> int:
        return self.connection.fileno()

    @property
    def has_outgoing(self) -> bool:
        """Whether something waits until the socket takes it: then call ``flush`` when writable."""
        return bool(self._outgoing)

    def send(self, message: bytes) -> None:
        """Send one message, or as much of it as goes now. The other end being gone shows on receive."""
        self._outgoing += _LENGTH.pack(len(message))
        self._outgoing += message
        self.flush()

    def send_with_descriptors(self, message: bytes, descriptors: list[int]) -> None:
        """Send one small message with file descriptors; waits until it is gone.

        Only for the zygote, which reads at once.
        """
        self.connection.setblocking(True)
        try:
            self.connection.sendall(bytes(self._outgoing))
            self._outgoing.clear()
            header = _LENGTH.pack(len(message))
            socket.send_fds(self.connection, [header], descriptors)
            self.connection.sendall(message)
        except OSError:
            self.closed = True
        finally:
            self.connection.setblocking(False)

    def flush(self) -> None:
        """Send more of what waits."""
        while self._outgoing:
            try:
                sent = self.connection.send(self._outgoing)
            except BlockingIOError:
                return
            except OSError:
                self._outgoing.clear()
                return
            del self._outgoing[:sent]

    def receive(self) -> list[bytes]:
        """The messages that have come in whole. Sets ``closed`` when the other end is gone."""
        while not self.closed:
            try:
                part = self.connection.recv(_READ_SIZE)
            except BlockingIOError:
                break
            except OSError:
                self.closed = True
                break
            if not part:
                self.closed = True
                break
            self._incoming += part
            if len(part) < _READ_SIZE:
                break
        return self._take_whole()

    def _take_whole(self) -> list[bytes]:
        messages: list[bytes] = []
        buffer, start = self._incoming, 0
        while len(buffer) - start >= _LENGTH.size:
            end = start + _LENGTH.size + _LENGTH.unpack_from(buffer, start)[0]
            if len(buffer) < end:
                break
            messages.append(bytes(buffer[start + _LENGTH.size : end]))
            start = end
        if start:
            del buffer[:start]
        return messages

    def close(self) -> None:
        self.closed = True
        self.connection.close()
