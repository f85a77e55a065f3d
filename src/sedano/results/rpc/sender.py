"""Sends results to those who asked.

Used by ``RpcResultStore.put``: in a node's feeder, mostly. One connection for a process, opened when it is
needed. A reply to somebody who is gone is dropped by the server, and that is no error.
"""

import os
import threading
import time
from collections.abc import Sequence
from typing import Any

import amqp

from sedano.amqp.amqp_url import AmqpLocation
from sedano.amqp.confirms import Confirms, Outgoing
from sedano.amqp.link import AmqpLink
from sedano.errors import BrokerError, BrokerUnavailable, ResultStoreError, ResultStoreUnavailable
from sedano.message.serializers import find_serializer
from sedano.results.compressed_document import unpack
from sedano.results.result_write import ResultWrite

_TRANSIENT, _PERSISTENT = 1, 2


class Sender:
    """Thread-safe; one sends at a time.

    Args:
        location: The server.
        timeout: Seconds that sending may take in all.
        serializer: What documents are written with.
        persistent: They outlive a restart of the server.
    """

    def __init__(self, location: AmqpLocation, *, timeout: float, serializer: str, persistent: bool) -> None:
        self._location = location
        self._timeout = timeout
        chosen = find_serializer(serializer)
        self._properties: dict[str, Any] = {
            "content_type": chosen.content_type,
            "content_encoding": chosen.content_encoding,
            "delivery_mode": _PERSISTENT if persistent else _TRANSIENT,
            "application_headers": {},
        }
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()  # guards the next two
        self._link = AmqpLink(self._location, timeout=self._timeout, name="sedano results")
        self._confirms: Confirms | None = None

    def send(self, writes: Sequence[ResultWrite]) -> None:
        """Send all; when it returns the server has taken them.

        Raises:
            ResultStoreUnavailable: the server could not be reached, or did not answer in time.
        """
        if self._pid != os.getpid():
            self._begin()
        messages = [self._message(write) for write in writes]
        deadline = time.monotonic() + self._timeout
        with self._lock:
            try:
                self._ready(deadline).publish(messages, deadline=deadline)
            except BrokerUnavailable as error:
                self._confirms = None
                raise ResultStoreUnavailable(f"Results cannot be sent: {error}") from error
            except BrokerError as error:
                self._confirms = None
                raise ResultStoreError(f"Results cannot be sent: {error}") from error

    def close(self) -> None:
        """Close the connection. Idempotent; it opens again when used again."""
        if self._pid == os.getpid():
            with self._lock:
                self._confirms = None
                self._link.close()

    def _ready(self, deadline: float) -> Confirms:
        confirms = self._confirms
        if confirms is None or not confirms.is_open or self._link.is_stale():
            self._link.forget()
            self._link.open(deadline)
            confirms = self._confirms = Confirms(self._link)
        return confirms

    def _message(self, write: ResultWrite) -> Outgoing:
        correlation_id = write.correlation_id or write.task_id
        # Celery's rpc:// knows no compressed documents.
        message = amqp.Message(unpack(write.document), correlation_id=correlation_id, **self._properties)
        label = f"the result of {write.task_id}"
        # A reply that nobody is there for is dropped by the server: there is nothing to be done about it.
        return Outgoing("", write.reply_to or "", message, label, mandatory=False)
