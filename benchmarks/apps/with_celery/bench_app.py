"""The toy application of the benchmarks, written with Celery. ``task_bodies.py`` says what each does."""

import os
from functools import partial

import task_bodies
from celery import Celery, chord

IGNORE = not os.environ["BENCH_STORE_RESULTS"]

app = Celery(
    "bench_app",
    broker=os.environ["BENCH_URL"],
    backend=None if IGNORE else os.environ["BENCH_RESULTS_URL"],
)
app.conf.task_acks_late = bool(os.environ.get("BENCH_ACKS_LATE"))
if os.environ.get("BENCH_CONFIRM_PUBLISH"):
    app.conf.broker_transport_options = {"confirm_publish": True}


@app.task(ignore_result=IGNORE)
def noop() -> None:
    task_bodies.count_call()


@app.task(ignore_result=True)
def tell_start(address: str) -> None:
    task_bodies.tell_moment(address)


@app.task
def member() -> None:
    """Does nothing."""


@app.task
def body(results: list[None]) -> int:
    return len(results)


def run_chord(members: int) -> int:
    """Run a chord to its end; how many results its body was given."""
    gathered: int = chord([member.s() for _ in range(members)], body.s())().get(timeout=120)
    return gathered


CALLS = {
    "noop": noop.delay,
    "noop_in_an_hour": partial(noop.apply_async, countdown=3600),
    "tell_start": tell_start.delay,
}
