"""The toy application of the benchmarks, written with taskiq. ``task_bodies.py`` says what each does.

taskiq is asynchronous throughout, so its tasks are ``async def``: a synchronous one would go to a thread.
"""

import os

import task_bodies
from taskiq_redis import ListQueueBroker, RedisAsyncResultBackend

broker = ListQueueBroker(os.environ["BENCH_URL"])
if os.environ["BENCH_STORE_RESULTS"]:
    broker = broker.with_result_backend(RedisAsyncResultBackend(os.environ["BENCH_URL"], result_ex_time=3600))


@broker.task
async def noop() -> None:
    task_bodies.count_call()


@broker.task
async def tell_start(address: str) -> None:
    task_bodies.tell_moment(address)


#: What has to be awaited before the first call.
prepare = broker.startup

CALLS = {"noop": noop.kiq, "tell_start": tell_start.kiq}
