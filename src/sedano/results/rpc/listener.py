"""The one thread of a process that hears replies: declares their queue, consumes it, fills the inbox.

Started by ``RpcResultStore`` before the first message whose reply is awaited. Opens its connection again
whenever it is lost; what comes meanwhile waits in the queue. Never sends a reply.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from sedano.amqp.failures import NAME
from sedano.amqp.link import AmqpLink
from sedano.errors import BrokerUnavailable, SedanoError
from sedano.results.rpc.inbox import Inbox

logger = logging.getLogger("sedano.results")

#: Replies that are on their way to us at once.
_PREFETCH: Final = 1000
#: A look at the connection, at least so often.
_ROUND: Final = 5.0
#: Seconds between attempts to connect: the first and the longest.
_RECONNECT: Final = (0.05, 1.0)


class Listener:
    """Of one process.

    Args:
        link: Of its own, and wakeable.
        address: The name of the queue.
        inbox: Where replies go.
        expires: Seconds after which the server deletes the queue where nobody consumes it.
    """

    def __init__(self, link: AmqpLink, address: str, inbox: Inbox, *, expires: float) -> None:
        self._link = link
        self._address = address
        self._inbox = inbox
        self._expires = expires
        self._changed = threading.Condition()  # guards all that follows
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._has_queue = False
        self.connected = False
        self._failure: SedanoError | None = None
        self._failures = 0

    @property
    def is_listening(self) -> bool:
        """The queue is there: what comes is heard, sooner or later."""
        return self._has_queue

    def listen(self, timeout: float) -> None:
        """Begin, and wait until the queue is there.

        Raises:
            BrokerUnavailable: that took too long, or failed.
        """
        if self._has_queue:
            return
        deadline = time.monotonic() + timeout
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="sedano-replies", daemon=True)
                self._thread.start()
            failures = self._failures
            while not self._has_queue:
                if self._failure is not None and self._failures > failures:
                    raise self._failure
                if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                    raise self._failure or BrokerUnavailable(NAME, "no answer in time")

    def close(self) -> None:
        """End the thread, its connection and the queue: nobody else could read what comes there."""
        with self._changed:
            self._is_closed = True
            thread = self._thread
            self._changed.notify_all()
        self._link.wake()
        if thread is not None and thread is not threading.current_thread():
            thread.join(2 * self._link.timeout)

    # -- the thread

    def _run(self) -> None:
        pause, longest = _RECONNECT
        while not self._is_closed:
            began = time.monotonic()
            try:
                self._consume()
            except SedanoError as error:
                self._lose(error)
            except Exception as error:
                logger.exception("Replies are not heard for a moment")
                self._lose(BrokerUnavailable(NAME, str(error)))
            if time.monotonic() - began > longest:
                pause = _RECONNECT[0]
            with self._changed:
                if not self._is_closed:
                    self._changed.wait(pause)
            pause = min(2 * pause, longest)
        self._link.close()

    def _consume(self) -> None:
        self._link.open()
        channel = self._link.channel()
        last: list[int] = []
        with self._link.within():
            channel.queue_declare(
                self._address,
                durable=True,
                auto_delete=False,
                arguments={"x-expires": int(self._expires * 1000)},
            )
            channel.basic_qos(0, _PREFETCH, False)
            channel.basic_consume(self._address, callback=self._taking(last))
        with self._changed:
            self._has_queue = self.connected = True
            self._failure = None
            self._changed.notify_all()
        while not self._is_closed:
            self._link.pump(_ROUND)
            if last:
                with self._link.within():
                    channel.basic_ack(last[-1], multiple=True)
                last.clear()
        with self._link.within():
            channel.queue_delete(self._address)

    def _taking(self, last: list[int]) -> Callable[[Any], None]:
        """What takes in one message, and notes that it has."""

        def take(message: Any) -> None:
            last[:] = [message.delivery_tag]
            task_id = message.properties.get("correlation_id")
            if task_id:
                self._inbox.put(str(task_id), bytes(message.body))

        return take

    def _lose(self, error: SedanoError) -> None:
        with self._changed:
            self.connected = False
            self._failure = error
            self._failures += 1
            self._changed.notify_all()
        self._link.forget()
