"""The floor of a drain: a parent that claims and settles, two children that decode and call.

    .venv-bench/bin/python benchmarks/floors/drain.py             results ignored
    .venv-bench/bin/python benchmarks/floors/drain.py --results   results stored

Nothing is lost in it: a script takes 64 messages from the list and puts them into a hash, and the same script
removes those that are done and stores their results. Each child has two batches, so that it never waits.
There is nothing else in it: no leases, limits, retries, signals, logs.
"""

import base64
import os
import selectors
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from benchmarks.floors.bare_connection import BareConnection, celery_message
from benchmarks.redis_server import private_redis

MESSAGES: Final = 200_000
CHILDREN: Final = 2
BATCH: Final = 64
BATCHES_OF_A_CHILD: Final = 2
#: Bytes; a batch of messages is about half as large. Larger buffers are new memory at every read.
LARGEST_FRAME: Final = 120_000

#: ARGV: how many to claim, the number of the first, how many are done, their numbers, their keys and results.
CLAIM_AND_SETTLE: Final = b"""
local done = tonumber(ARGV[3])
for index = 4, 3 + done do
  redis.call('HDEL', KEYS[2], ARGV[index])
end
for index = 4 + done, #ARGV, 2 do
  redis.call('SETEX', ARGV[index], 86400, ARGV[index + 1])
  redis.call('PUBLISH', ARGV[index], ARGV[index + 1])
end
local claimed = redis.call('RPOP', KEYS[1], ARGV[1]) or {}
for index, message in ipairs(claimed) do
  redis.call('HSET', KEYS[2], ARGV[2] + index - 1, message)
end
return claimed
"""


class Headers(msgspec.Struct):
    """What a child reads of a message's headers."""

    id: str
    task: str


class Message(msgspec.Struct):
    """What a child reads of a message."""

    body: str
    headers: Headers


def main() -> None:
    """Print tasks per second."""
    with tempfile.TemporaryDirectory() as folder, private_redis(Path(folder), {}, {}) as server:
        connection = BareConnection(server.port)
        batch = [celery_message() for _ in range(1000)]
        for _ in range(MESSAGES // len(batch)):
            connection.ask(b"LPUSH", b"celery", *batch)
        children = [_start_child("--results" in sys.argv) for _ in range(CHILDREN)]
        started = time.perf_counter()
        _drain(connection, children)
        print(f"{MESSAGES / (time.perf_counter() - started):,.0f} tasks/s")
        for child in children:
            child.close()
        for _ in children:
            os.wait()


def _drain(connection: BareConnection, children: list[socket.socket]) -> None:
    script = connection.ask(b"SCRIPT", b"LOAD", CLAIM_AND_SETTLE)
    encode, decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder().decode
    selector = selectors.DefaultSelector()
    for child in children:
        selector.register(child, selectors.EVENT_READ)
    first, left = 0, MESSAGES
    numbers: list[int] = []
    results: list[bytes] = []

    def claim(child: socket.socket) -> None:
        nonlocal first, numbers, results
        settled = (len(numbers), *numbers, *results)
        claimed = connection.ask(b"EVALSHA", script, 2, b"celery", b"held", BATCH, first, *settled)
        numbers, results = [], []
        if claimed:
            child.send(encode((first, claimed)))
            first += len(claimed)

    for child in children * BATCHES_OF_A_CHILD:
        claim(child)
    while left:
        for key, _ in selector.select():
            ready: Any = key.fileobj
            done, stored = decode(ready.recv(LARGEST_FRAME))
            numbers += done
            results += stored
            left -= len(done)
            claim(ready)
    claim(children[0])


def _start_child(store_results: bool) -> socket.socket:
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in (here, there):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    if os.fork() == 0:
        here.close()
        _run_tasks(there, store_results)
        os._exit(0)
    there.close()
    return here


def _run_tasks(parent: socket.socket, store_results: bool) -> None:
    encode, decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder().decode
    read = msgspec.json.Decoder(Message).decode
    read_body = msgspec.json.Decoder().decode
    write = msgspec.json.Encoder().encode
    tasks = {"bench_app.noop": lambda: None}
    while frame := parent.recv(LARGEST_FRAME):
        first, messages = decode(frame)
        results: list[bytes] = []
        for text in messages:
            message = read(text)
            args, kwargs, _ = read_body(base64.b64decode(message.body))
            value = tasks[message.headers.task](*args, **kwargs)
            if store_results:
                task_id = message.headers.id
                document: dict[str, Any] = {
                    "status": "SUCCESS",
                    "result": value,
                    "traceback": None,
                    "children": [],
                    "date_done": "2026-11-22T10:00:00.000000+00:00",
                    "task_id": task_id,
                }
                results += (b"celery-task-meta-" + task_id.encode(), write(document))
        parent.send(encode((list(range(first, first + len(messages))), results)))


if __name__ == "__main__":
    main()
