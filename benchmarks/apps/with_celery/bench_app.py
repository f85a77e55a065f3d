"""The toy application of the benchmarks, written with Celery. ``task_bodies.py`` says what each does."""

import os
from functools import partial

import task_bodies
from celery import Celery

IGNORE = not os.environ["BENCH_STORE_RESULTS"]

app = Celery("bench_app", broker=os.environ["BENCH_URL"], backend=None if IGNORE else os.environ["BENCH_URL"])
app.conf.task_acks_late = bool(os.environ.get("BENCH_ACKS_LATE"))


@app.task(ignore_result=IGNORE)
def noop() -> None:
    task_bodies.count_call()


@app.task(ignore_result=True)
def tell_start(address: str) -> None:
    task_bodies.tell_moment(address)


CALLS = {
    "noop": noop.delay,
    "noop_in_an_hour": partial(noop.apply_async, countdown=3600),
    "tell_start": tell_start.delay,
}
