"""The toy application of the benchmarks, written with dramatiq. ``task_bodies.py`` says what each does."""

import os

import dramatiq
import task_bodies
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

STORE = bool(os.environ["BENCH_STORE_RESULTS"])

broker = RedisBroker(url=os.environ["BENCH_URL"])
if STORE:
    broker.add_middleware(Results(backend=RedisBackend(url=os.environ["BENCH_URL"]), store_results=True))
dramatiq.set_broker(broker)


@dramatiq.actor
def noop() -> None:
    task_bodies.count_call()


@dramatiq.actor
def tell_start(address: str) -> None:
    task_bodies.tell_moment(address)


CALLS = {"noop": noop.send, "tell_start": tell_start.send}
