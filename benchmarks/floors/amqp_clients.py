"""The floor of clients of RabbitMQ: how quickly each library publishes and consumes, and what that costs it.

    .venv-bench/bin/pip install pika amqpstorm aio-pika
    .venv-bench/bin/python benchmarks/floors/amqp_clients.py

py-amqp comes with Celery; those that are not installed are left out. Persistent messages as Celery's, in a
durable classic queue. Publishing is confirmed, pipelined or message by message; what is consumed is
acknowledged by the hundred. Prints messages a second and the client's own processor time.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from benchmarks.floors.amqp_message import BODY, HEADERS, PROPERTIES
from benchmarks.rabbitmq_server import private_rabbitmq

PIPELINED: Final = 20_000
SINGLE: Final = 2_000
PUBLISHED: Final = PIPELINED + SINGLE
PREFETCH: Final = 500
ACKNOWLEDGED_AT_ONCE: Final = 100

HOST: Final = "127.0.0.1"


def main() -> None:
    """Print a line for each library and each thing that is done with it."""
    for measure in (py_amqp, pika_blocking, pika_select, amqpstorm_, aio_pika_):
        with tempfile.TemporaryDirectory() as folder, private_rabbitmq(Path(folder), "floor", {}) as server:
            try:
                measure(server.port, "floor")
            except ModuleNotFoundError as error:
                print(f"{measure.__name__}: left out, {error}")


@contextmanager
def measured(library: str, what: str, count: int) -> Iterator[None]:
    """Print how long the block takes for so many messages."""
    began, used = time.perf_counter(), time.process_time()
    yield
    seconds, own = time.perf_counter() - began, time.process_time() - used
    print(
        f"{library:16} {what:20} {count / seconds:8,.0f}/s, own processor time {own / count * 1e6:4.0f} us",
        flush=True,
    )


def py_amqp(port: int, queue: str) -> None:
    """Blocking sockets, callbacks; kombu's and Celery's library."""
    import amqp

    def message() -> Any:
        return amqp.Message(BODY, application_headers=HEADERS, **PROPERTIES)

    with amqp.Connection(f"{HOST}:{port}") as connection, connection.channel() as channel:
        channel.queue_declare(queue, durable=True, auto_delete=False)
        channel.confirm_select()
        confirmed = 0

        def note(tag: int, multiple: bool) -> None:
            nonlocal confirmed
            confirmed = max(confirmed, tag)

        channel.events["basic_ack"].add(note)
        with measured("py-amqp", "publish, pipelined", PIPELINED):
            for _ in range(PIPELINED):
                channel.basic_publish(message(), routing_key=queue)
            while confirmed < PIPELINED:
                connection.drain_events()
        with measured("py-amqp", "publish, one by one", SINGLE):
            for _ in range(SINGLE):
                channel.basic_publish_confirm(message(), routing_key=queue)

        count = 0

        def take(delivery: Any) -> None:
            nonlocal count
            count += 1
            if count % ACKNOWLEDGED_AT_ONCE == 0:
                channel.basic_ack(delivery.delivery_tag, multiple=True)

        channel.basic_qos(0, PREFETCH, a_global=False)
        with measured("py-amqp", "consume", PUBLISHED):
            channel.basic_consume(queue, callback=take)
            while count < PUBLISHED:
                connection.drain_events()


def pika_blocking(port: int, queue: str) -> None:
    """pika's synchronous face: a confirm can only be waited for."""
    import pika

    properties = pika.BasicProperties(headers=HEADERS, **PROPERTIES)
    connection = pika.BlockingConnection(pika.ConnectionParameters(HOST, port))
    channel = connection.channel()
    channel.queue_declare(queue, durable=True)
    channel.confirm_delivery()
    with measured("pika, blocking", "publish, one by one", SINGLE):
        for _ in range(SINGLE):
            channel.basic_publish("", queue, BODY, properties)
    connection.close()


def pika_select(port: int, queue: str) -> None:
    """pika's own loop and callbacks."""
    import pika

    properties = pika.BasicProperties(headers=HEADERS, **PROPERTIES)

    def run(with_channel: Any) -> None:
        connection = pika.SelectConnection(
            pika.ConnectionParameters(HOST, port),
            on_open_callback=lambda opened: opened.channel(on_open_callback=with_channel),
            on_close_callback=lambda closed, _: closed.ioloop.stop(),
        )
        connection.ioloop.start()

    def publish(channel: Any) -> None:
        def note(frame: Any) -> None:
            if frame.method.delivery_tag >= PIPELINED:
                channel.connection.close()

        def begin(_: Any) -> None:
            for _ in range(PIPELINED):
                channel.basic_publish("", queue, BODY, properties)

        channel.confirm_delivery(
            note, callback=lambda _: channel.queue_declare(queue, durable=True, callback=begin)
        )

    count = 0

    def take(channel: Any, method: Any, _: Any, __: bytes) -> None:
        nonlocal count
        count += 1
        if count % ACKNOWLEDGED_AT_ONCE == 0:
            channel.basic_ack(method.delivery_tag, multiple=True)
        if count == PIPELINED:
            channel.connection.close()

    def consume(channel: Any) -> None:
        channel.basic_qos(prefetch_count=PREFETCH)
        channel.basic_consume(queue, take)

    with measured("pika, select", "publish, pipelined", PIPELINED):
        run(publish)
    with measured("pika, select", "consume", PIPELINED):
        run(consume)


def amqpstorm_(port: int, queue: str) -> None:
    """A thread reads; confirms can only be waited for."""
    import amqpstorm

    properties = {"headers": HEADERS, **PROPERTIES}
    with (
        amqpstorm.Connection(HOST, "guest", "guest", port=port) as connection,
        connection.channel() as channel,
    ):
        channel.queue.declare(queue, durable=True)
        for _ in range(PIPELINED):
            channel.basic.publish(BODY, queue, properties=properties)
        while channel.queue.declare(queue, durable=True)["message_count"] < PIPELINED:
            pass
        channel.confirm_deliveries()
        with measured("amqpstorm", "publish, one by one", SINGLE):
            for _ in range(SINGLE):
                channel.basic.publish(BODY, queue, properties=properties)
        channel.basic.qos(PREFETCH)
        with measured("amqpstorm", "consume", PUBLISHED):
            channel.basic.consume(print, queue)
            for count, message in enumerate(channel.build_inbound_messages(), start=1):
                if count % ACKNOWLEDGED_AT_ONCE == 0:
                    channel.basic.ack(message.delivery_tag, multiple=True)
                if count == PUBLISHED:
                    break


def aio_pika_(port: int, queue: str) -> None:
    """asyncio."""
    asyncio.run(_aio_pika(port, queue))


async def _aio_pika(port: int, name: str) -> None:
    import aio_pika

    def message() -> Any:
        return aio_pika.Message(BODY, headers=HEADERS, **PROPERTIES)

    connection = await aio_pika.connect(f"amqp://guest:guest@{HOST}:{port}/")
    channel = await connection.channel(publisher_confirms=True)
    queue = await channel.declare_queue(name, durable=True)
    publish = channel.default_exchange.publish
    with measured("aio-pika", "publish, pipelined", PIPELINED):
        for _ in range(PIPELINED // PREFETCH):
            await asyncio.gather(*(publish(message(), name) for _ in range(PREFETCH)))
    with measured("aio-pika", "publish, one by one", SINGLE):
        for _ in range(SINGLE):
            await publish(message(), name)
    await channel.set_qos(PREFETCH)
    with measured("aio-pika", "consume", PUBLISHED):
        count = 0
        async with queue.iterator() as deliveries:
            async for delivery in deliveries:
                count += 1
                if count % ACKNOWLEDGED_AT_ONCE == 0:
                    await delivery.channel.basic_ack(delivery.delivery_tag, multiple=True)
                if count == PUBLISHED:
                    break
    await connection.close()


if __name__ == "__main__":
    main()
