"""Call a task so many times and print the seconds it took: ``publish.py noop 5000``."""

import asyncio
import inspect
import sys
import time

import bench_app

call = bench_app.CALLS[sys.argv[1]]
count = int(sys.argv[2])

#: The first calls connect, and create what has to be created.
first = min(10, count)


def publish() -> float:
    for _ in range(first):
        call()

    started = time.perf_counter()
    for _ in range(count - first):
        call()
    return time.perf_counter() - started


async def publish_from_a_loop() -> float:
    await bench_app.prepare()
    for _ in range(first):
        await call()

    started = time.perf_counter()
    for _ in range(count - first):
        await call()
    return time.perf_counter() - started


print(asyncio.run(publish_from_a_loop()) if inspect.iscoroutinefunction(call) else publish())
