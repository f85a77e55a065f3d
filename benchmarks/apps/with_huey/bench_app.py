"""The toy application of the benchmarks, written with huey. ``task_bodies.py`` says what each does."""

import os

import task_bodies
from huey import RedisHuey

STORE = bool(os.environ["BENCH_STORE_RESULTS"])

# By default huey stores no result that is None.
huey = RedisHuey("bench", url=os.environ["BENCH_URL"], results=STORE, store_none=STORE)


@huey.task()
def noop() -> None:
    task_bodies.count_call()


@huey.task()
def tell_start(address: str) -> None:
    task_bodies.tell_moment(address)


CALLS = {"noop": noop, "tell_start": tell_start}
