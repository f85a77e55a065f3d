"""The toy application of the benchmarks, written with mayu. ``task_bodies.py`` says what each does."""

import os

import task_bodies
from mayu import App

app = App(broker=os.environ["BENCH_URL"], result_ttl=3600 if os.environ["BENCH_STORE_RESULTS"] else None)


@app.task
def noop() -> None:
    task_bodies.count_call()


@app.task
def tell_start(address: str) -> None:
    task_bodies.tell_moment(address)


CALLS = {"noop": noop.delay, "tell_start": tell_start.delay}
