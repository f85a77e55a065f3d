"""What RabbitMQ itself has to do for a message, by the kind of queue, published and taken in two ways each.

    .venv-bench/bin/python benchmarks/floors/amqp_queues.py

Publishing: 500 at a time and one by one, confirmed. Taking: by ``basic.get``, 150 at a time, and by a
consumer. Prints messages a second, the client's own processor time and the server's.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import amqp
from amqp import spec

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from benchmarks.floors.amqp_message import BODY, HEADERS, PROPERTIES
from benchmarks.rabbitmq_server import RabbitServer, private_rabbitmq

PIPELINED: Final = 20_000
SINGLE: Final = 1_000
TAKEN: Final = 10_000
PUBLISHED_AT_ONCE: Final = 500
GOT_AT_ONCE: Final = 150
ACKNOWLEDGED_AT_ONCE: Final = 100
PREFETCH: Final = 300

#: Arguments of the queue, and the messages' delivery mode.
KINDS: Final[dict[str, tuple[dict[str, Any], int]]] = {
    "classic": ({}, 2),
    "classic, priorities": ({"x-max-priority": 10}, 2),
    "classic, transient": ({}, 1),
    "quorum": ({"x-queue-type": "quorum"}, 2),
}


class Queue:
    """One queue on a connection of its own."""

    def __init__(self, server: RabbitServer, name: str) -> None:
        arguments, mode = KINDS[name]
        self._server = server
        self._name = name
        self._properties = {**PROPERTIES, "delivery_mode": mode}
        self._connection = amqp.Connection(f"127.0.0.1:{server.port}")
        self._connection.connect()
        self._channel = self._connection.channel()
        self._channel.queue_declare(name, durable=True, auto_delete=False, arguments=arguments)
        self._channel.confirm_select()
        self._channel.events["basic_ack"].add(self._note)
        self._sent = self._confirmed = self._taken = 0

    def measure(self) -> None:
        """Print four lines."""
        with self._measured("publish by 500", PIPELINED):
            for _ in range(PIPELINED // PUBLISHED_AT_ONCE):
                self._publish(PUBLISHED_AT_ONCE)
        with self._measured("publish one by one", SINGLE):
            for _ in range(SINGLE):
                self._publish(1)
        with self._measured("get by 150", TAKEN):
            for _ in range(0, TAKEN, GOT_AT_ONCE):
                self._get(GOT_AT_ONCE)
        self._channel.basic_qos(0, PREFETCH, a_global=False)
        with self._measured("consume", TAKEN):
            self._channel.basic_consume(self._name, callback=self._take)
            while self._taken < TAKEN:
                self._connection.drain_events()
        self._connection.close()

    def _publish(self, count: int) -> None:
        for _ in range(count):
            message = amqp.Message(BODY, application_headers=HEADERS, **self._properties)
            self._channel.basic_publish(message, routing_key=self._name)
        self._sent += count
        while self._confirmed < self._sent:
            self._connection.drain_events()

    def _note(self, tag: int, multiple: bool) -> None:
        self._confirmed = max(self._confirmed, tag)

    def _get(self, count: int) -> None:
        for _ in range(count):
            self._channel.send_method(spec.Basic.Get, "Bsb", (0, self._name, False))
        for _ in range(count):
            answer = self._channel.wait([spec.Basic.GetOk, spec.Basic.GetEmpty], returns_tuple=True)
        self._channel.basic_ack(answer[0], multiple=True)

    def _take(self, delivery: Any) -> None:
        self._taken += 1
        if self._taken % ACKNOWLEDGED_AT_ONCE == 0:
            self._channel.basic_ack(delivery.delivery_tag, multiple=True)

    @contextmanager
    def _measured(self, what: str, count: int) -> Iterator[None]:
        began, used, theirs = time.perf_counter(), time.process_time(), self._server.processor_seconds()
        yield
        seconds, own = time.perf_counter() - began, time.process_time() - used
        theirs = self._server.processor_seconds() - theirs
        print(
            f"{self._name:20} {what:18} {count / seconds:8,.0f}/s, processor time: "
            f"own {own / count * 1e6:4.0f} us, the server's {theirs / count * 1e6:4.0f} us",
            flush=True,
        )


def main() -> None:
    """Each kind on a server of its own."""
    for name in KINDS:
        with tempfile.TemporaryDirectory() as folder, private_rabbitmq(Path(folder), name, {}) as server:
            Queue(server, name).measure()


if __name__ == "__main__":
    main()
