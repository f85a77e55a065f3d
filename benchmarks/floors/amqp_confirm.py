"""How long RabbitMQ takes to confirm one message to a bare socket: what a loop of ``delay()`` waits for.

    .venv-bench/bin/python benchmarks/floors/amqp_confirm.py

Writes the same bytes again and again and reads the confirm after each, for messages that are kept on the disk
and for others. Prints the median of some rounds, microseconds.
"""

import socket
import statistics
import struct
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import amqp

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from benchmarks.floors.amqp_message import BODY, HEADERS, PROPERTIES
from benchmarks.rabbitmq_server import private_rabbitmq

ROUNDS: Final = 5
MESSAGES: Final = 2_000
QUEUE: Final = "celery"
#: Bytes of a frame that confirms.
_CONFIRM: Final = 21
_METHOD, _HEAD, _BODY = 1, 2, 3


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, private_rabbitmq(Path(folder), QUEUE, {}) as server:
        connection = amqp.Connection(f"127.0.0.1:{server.port}")
        connection.connect()
        channel = connection.channel()
        channel.queue_declare(QUEUE, durable=True, auto_delete=False)
        channel.confirm_select()
        wire = connection.transport.sock
        wire.settimeout(30)
        for name, mode in (("kept on the disk", 2), ("kept in memory", 1)):
            frames = _frames(channel.channel_id, mode)
            rounds = [_confirmed(wire, frames) for _ in range(ROUNDS)]
            print(f"{name}: {statistics.median(rounds) * 1e6:,.0f} microseconds")


def _confirmed(wire: socket.socket, frames: bytes) -> float:
    """Seconds for each message."""
    began = time.perf_counter()
    for _ in range(MESSAGES):
        wire.sendall(frames)
        left = _CONFIRM
        while left:
            left -= len(wire.recv(left))
    return (time.perf_counter() - began) / MESSAGES


def _frames(channel: int, mode: int) -> bytes:
    """``basic.publish`` to the queue, with head and body."""
    message: Any = amqp.Message(BODY, application_headers=HEADERS, **{**PROPERTIES, "delivery_mode": mode})
    name = QUEUE.encode()
    method = struct.pack(">HHHxB", 60, 40, 0, len(name)) + name + b"\0"
    head = struct.pack(">HHQ", 60, 0, len(BODY)) + message._serialize_properties()
    return b"".join(
        struct.pack(">BHI", kind, channel, len(payload)) + payload + b"\xce"
        for kind, payload in ((_METHOD, method), (_HEAD, head), (_BODY, BODY))
    )


if __name__ == "__main__":
    main()
