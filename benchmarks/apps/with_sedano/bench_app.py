"""The toy application of the benchmarks, written with Sedano. ``task_bodies.py`` says what each does."""

import os
from functools import partial

import task_bodies

from sedano import Sedano, chord

app = Sedano("bench_app", broker=os.environ["BENCH_URL"], backend=os.environ["BENCH_RESULTS_URL"])

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
    "work_and_tell": work_and_tell.delay,
    "kill_own_process": kill_own_process.delay,
}
