"""One connection to a RabbitMQ, with deadlines: opened at any of its servers, opened again after a loss.

Owned by one thread at a time, but for ``wake``: a lease has one for itself, publishers borrow theirs from a
``LinkPool``. Errors of the driver come out as ``BrokerUnavailable`` or ``BrokerError``. Never declares
anything.
"""

import contextlib
import logging
import os
import random
import select
import socket
import ssl
import struct
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from amqp.exceptions import AMQPError

from sedano.amqp.amqp_url import AmqpLocation, AmqpServer
from sedano.amqp.channel import AmqpChannel, AmqpConnection
from sedano.amqp.failures import NAME, translate
from sedano.amqp.frames import Frames
from sedano.amqp.wire import Wire
from sedano.errors import BrokerUnavailable, ConfigurationError, SedanoError
from sedano.sql.wakeup_pipe import WakeupPipe

logger = logging.getLogger(__name__)

#: How long saying goodbye may take, seconds.
_GOODBYE: Final = 0.5
#: Looks at the heartbeat within one of its intervals.
_TICKS: Final = 4
#: The last of them: what a server said that does not speak AMQP.
_OF_THE_DRIVER: Final = (AMQPError, OSError, struct.error)

#: Location -> which of its servers answered last: what one connection has found out is known to the next.
_answered: dict[str, int] = {}


class AmqpLink:
    """One connection to one place.

    Args:
        timeout: Seconds that opening it, and each call, may take.
        heartbeat: Seconds after which each side takes the other for dead that says nothing, about twice that
            at the latest; 0 for none. Whoever wants one calls ``pump`` several times in that time.
        name: What the server's list of connections shows.
        wakeable: ``wake`` works.
    """

    def __init__(
        self,
        location: AmqpLocation,
        *,
        timeout: float,
        heartbeat: float = 0.0,
        name: str = "sedano",
        wakeable: bool = False,
    ) -> None:
        self.location = location
        self.timeout = timeout
        wanted = heartbeat if location.heartbeat is None else min(heartbeat, location.heartbeat)
        #: AMQP knows whole seconds.
        self._heartbeat = max(1, round(wanted)) if wanted else 0
        self._name = name
        self._connection: Any = None
        self._wire: Wire | None = None
        self._bell = WakeupPipe() if wakeable else None
        self._pid = os.getpid()
        self._next_tick = 0.0
        #: Blocks of ``within`` that are open.
        self._within = 0
        self._place = location.identity
        #: How often it was opened; who keeps something that belongs to one connection compares it.
        self.generation = 0
        #: Why the server lets nobody publish (``connection.blocked``); None if it does.
        self.blocked: str | None = None

    # -- opening and closing

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, as far as we know."""
        if self._pid != os.getpid():
            self.forget()
        return self._wire is not None and bool(self._wire.connected)

    def open(self, deadline: float | None = None) -> None:
        """Connect, if there is no connection. A server that does not answer leaves the next one its share.

        Args:
            deadline: Monotonic seconds; by default as ``timeout`` says.

        Raises:
            BrokerUnavailable: None of the servers can be reached.
            ConfigurationError: One does not let us in, or its certificate is wrong. Only the first time.
        """
        if self.is_open:
            return
        self.forget()
        deadline = time.monotonic() + self.timeout if deadline is None else deadline
        servers = self.location.servers
        first = random.randrange(len(servers)) if self.location.spread else _answered.get(self._place, 0)
        order = [servers[(first + step) % len(servers)] for step in range(len(servers))]
        failures: list[str] = []
        for number, server in enumerate(order):
            now = time.monotonic()
            try:
                self._connect(server, now + max(0.01, (deadline - now) / (len(order) - number)))
            except BrokerUnavailable as error:
                failures.append(f"{server}: {error.reason}")
                continue
            except ConfigurationError as error:
                if not self.generation:
                    raise
                # It has let us in before: somebody is at work there.
                failures.append(f"{server}: {error}")
                continue
            _answered[self._place] = servers.index(server)
            return
        raise BrokerUnavailable(NAME, "; ".join(failures))

    def close(self) -> None:
        """Say goodbye, if there is time, and close. Idempotent; ``open`` opens it again."""
        if self.is_open:
            with contextlib.suppress(SedanoError), self.within(_GOODBYE):
                self._connection.close()
        self.forget()

    def forget(self) -> None:
        """Close without a word: the connection is broken, or after a fork the parent's."""
        wire, self._wire, self._connection = self._wire, None, None
        if wire is not None:
            wire.forget()
        self.blocked = None
        if self._pid != os.getpid():
            self._pid = os.getpid()
            if self._bell is not None:
                self._bell.close()
                self._bell = WakeupPipe()

    def cut(self) -> None:
        """Reset the connection, as a network does that breaks. For tests."""
        wire = self._wire
        if wire is not None and wire.sock is not None:
            with contextlib.suppress(OSError):
                wire.sock.shutdown(socket.SHUT_RDWR)

    # -- using it

    def channel(self) -> AmqpChannel:
        """A new channel; opens the connection first, if need be."""
        self.open()
        with self.within():
            return self._connection.channel()  # type: ignore[no-any-return]

    @property
    def server_properties(self) -> Mapping[str, Any]:
        """What the server says of itself: ``version`` and so on. Opens the connection, if need be."""
        self.open()
        found: Mapping[str, Any] = self._connection.server_properties
        return found

    @contextlib.contextmanager
    def within(self, seconds: float | None = None, *, deadline: float | None = None) -> Iterator[None]:
        """Whatever is asked of channels within the block is over in time, and its errors are ours.

        An error other than the server's refusal (``ChannelClosed``) ends the connection: an answer may still
        come.

        Args:
            seconds: For all of it; by default ``timeout``.
            deadline: The same as a moment, monotonic seconds.

        Raises:
            BrokerUnavailable: It took too long, or the connection is gone.
            ChannelClosed: The server refused something.
        """
        wire = self._wire
        if wire is None or self._pid != os.getpid():
            raise BrokerUnavailable(NAME, "the connection is gone")
        before = wire.deadline
        if deadline is None:
            deadline = time.monotonic() + (self.timeout if seconds is None else seconds)
        # Within another block that one's is kept, too.
        wire.deadline = min(deadline, before) if self._within else deadline
        self._within += 1
        try:
            yield
        except SedanoError:
            raise
        except Exception as error:
            reason = self.blocked
            if reason is not None and isinstance(error, TimeoutError) and not wire.is_broken_off:
                # It is kept: another one would not know that nobody may publish, and would write.
                raise BrokerUnavailable(NAME, stopped(reason)) from error
            self.forget()
            if isinstance(error, _OF_THE_DRIVER):
                raise translate(error) from error
            raise
        except BaseException:
            self.forget()
            raise
        finally:
            wire.deadline = before
            self._within -= 1

    @contextlib.contextmanager
    def gathered(self) -> Iterator[None]:
        """What channels are told within goes out together. Ask for no answer there. Within ``within``."""
        if self._wire is None:
            raise BrokerUnavailable(NAME, "the connection is gone")
        with self._wire.gathered():
            yield

    def pump(self, timeout: float) -> bool:
        """Handle what has come: callbacks of channels are called. Answers and sends heartbeats.

        Args:
            timeout: Seconds to wait for something to come. ``wake`` ends the wait.

        Returns:
            Whether anything had come.
        """
        until = time.monotonic() + timeout
        with self.within(timeout + self.timeout):
            while True:
                self._tick()
                if self._handle_frames():
                    return True
                left = min(until, self._next_tick) - time.monotonic()
                came, woken = self._wait(left)
                if came:
                    assert self._wire is not None
                    self._wire.fill()
                elif woken or time.monotonic() >= until:
                    return False

    def wake(self) -> None:
        """End the current ``pump`` (or the next one, if none is under way). From any thread."""
        if self._bell is not None:
            self._bell.wake()

    def is_stale(self) -> bool:
        """Whether it cannot be used on. Asked when it has been idle: the server may have ended it since."""
        wire = self._wire
        with contextlib.suppress(SedanoError):
            while self.is_open and wire is not None and (wire.has_frame() or wire.is_readable(0)):
                self.pump(0)
        return not self.is_open

    # -- within

    def _connect(self, server: AmqpServer, deadline: float) -> None:
        def make_wire(host: str, connect_timeout: float) -> Wire:
            # A silence of the network is noticed as late as that of the server; 0 means the system's own way.
            settings = {}
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                settings[socket.TCP_USER_TIMEOUT] = self._heartbeat * 2000
            tls = server.tls
            wire = Wire(
                host,
                connect_timeout=connect_timeout,
                socket_settings=settings,
                tls=_tls_context(server),
                server_hostname=tls.server_hostname if tls is not None else None,
            )
            wire.deadline = deadline
            self._wire = wire
            return wire

        host = f"[{server.host}]" if ":" in server.host else server.host
        connection = AmqpConnection(
            make_wire,
            host=f"{host}:{server.port}",
            userid=server.username,
            password=server.password,
            virtual_host=server.vhost,
            login_method=self.location.login_method or "PLAIN",
            heartbeat=self._heartbeat,
            connect_timeout=max(0.01, deadline - time.monotonic()),
            client_properties={"product": "Sedano", "connection_name": self._name},
            on_blocked=self._on_blocked,
            on_unblocked=self._on_unblocked,
            frame_handler=Frames,
        )
        self._connection = connection
        try:
            connection.connect()
        except _OF_THE_DRIVER as error:
            self.forget()
            raise translate(error) from error
        except BaseException:
            self.forget()
            raise
        self.generation += 1
        self._next_tick = 0.0

    def _handle_frames(self) -> bool:
        handled = False
        while (wire := self._wire) is not None and (frame := wire.next_frame()) is not None:
            handled = True
            self._connection.on_inbound_frame(frame)
        return handled

    def _tick(self) -> None:
        """Send a heartbeat if it is time; raises if the server has been silent for too long."""
        now = time.monotonic()
        if now >= self._next_tick:
            interval = self._connection.heartbeat or 0.0
            self._next_tick = now + interval / _TICKS if interval else now + 3600.0
            self._connection.heartbeat_tick()

    def _wait(self, seconds: float) -> tuple[bool, bool]:
        """Whether something came, and whether we were woken."""
        wire, bell = self._wire, self._bell
        assert wire is not None
        if bell is None:
            return wire.is_readable(seconds), False
        if wire.tls_pending():
            return True, False
        poll = select.poll()
        poll.register(wire.sock, select.POLLIN)
        poll.register(bell, select.POLLIN)
        ready = {number for number, _ in poll.poll(max(0.0, seconds) * 1000)}
        woken = bell.fileno() in ready
        if woken:
            bell.drain()
        return wire.sock.fileno() in ready, woken

    def _on_blocked(self, reason: str) -> None:
        self.blocked = reason or "it does not say why"
        logger.warning("%s", stopped(self.blocked), extra={"event": "broker_blocked", "reason": self.blocked})

    def _on_unblocked(self) -> None:
        self.blocked = None
        logger.info("RabbitMQ lets us publish again.", extra={"event": "broker_unblocked"})


def stopped(reason: str) -> str:
    """What ``connection.blocked`` means."""
    return f"RabbitMQ lets nobody publish (connection.blocked): {reason}"


def _tls_context(server: AmqpServer) -> ssl.SSLContext | None:
    if server.tls is None:
        return None
    try:
        return server.tls.context()
    except OSError as error:  # ssl.SSLError is one
        raise ConfigurationError(f"{NAME}: a file of the TLS options cannot be used: {error}") from error
