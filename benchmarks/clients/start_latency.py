"""Print, for so many lone calls, the milliseconds from before ``delay()`` to the task's first line.

``start_latency.py 30``. Between two calls the worker is left idle for 0.2 to 0.6 s, at random, so that calls
do not fall into step with a worker that polls.
"""

import asyncio
import inspect
import random
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import bench_app

IDLE = (0.2, 0.6)


def synchronous(call: Callable[[str], object]) -> Callable[[str], object]:
    """The call itself, or one that runs it in a loop: that costs some 0.02 ms."""
    if not inspect.iscoroutinefunction(call):
        return call
    loop = asyncio.new_event_loop()
    loop.run_until_complete(bench_app.prepare())
    return lambda address: loop.run_until_complete(call(address))


tell_start = synchronous(bench_app.CALLS["tell_start"])

with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
    address = str(Path(folder) / "start")
    listener.bind(address)
    listener.settimeout(60)

    # The first calls warm both sides up: both of the worker's processes have run one.
    for _ in range(10):
        tell_start(address)
    for _ in range(10):
        listener.recv(64)

    for _ in range(int(sys.argv[1])):
        time.sleep(random.uniform(*IDLE))
        called = time.time_ns()
        tell_start(address)
        print((int(listener.recv(64)) - called) / 1e6)
