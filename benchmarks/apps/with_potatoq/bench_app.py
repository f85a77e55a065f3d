"""The toy application of the benchmarks, written with Potatoq. ``task_bodies.py`` says what each does."""

import os
from functools import partial

import task_bodies
from potatoq import Potatoq

app = Potatoq("bench_app", broker=os.environ["BENCH_URL"])

IGNORE = not os.environ["BENCH_STORE_RESULTS"]


@app.task(ignore_result=IGNORE)
def noop() -> None:
    task_bodies.count_call()


@app.task(ignore_result=True)
def tell_start(address: str) -> None:
    task_bodies.tell_moment(address)


@app.task(ignore_result=True)
def work_and_tell(address: str) -> None:
    task_bodies.work_and_tell_moment(address)


@app.task(ignore_result=True)
def kill_own_process() -> None:
    task_bodies.kill_own_process()


CALLS = {
    "noop": noop.delay,
    "noop_in_an_hour": partial(noop.apply_async, countdown=3600),
    "tell_start": tell_start.delay,
    "work_and_tell": work_and_tell.delay,
    "kill_own_process": kill_own_process.delay,
}
