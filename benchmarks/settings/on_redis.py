"""Sedano and five queues on a private Redis: Celery, huey, dramatiq, taskiq and mayu.

Each is set up as its documentation advises for two processes that run one task at a time, with its defaults
otherwise. docs/performance.md says what follows from that.
"""

from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from benchmarks.contender import SEDANO, Contender
from benchmarks.measures.chord_time import chord_time
from benchmarks.measures.drain_cost import drain_cost
from benchmarks.measures.drain_rate import drain_rate
from benchmarks.measures.eta_memory import ETA_MEMORY
from benchmarks.measures.idle_traffic import COMMANDS_RUN, COMMANDS_SENT, IDLE_CONNECTIONS
from benchmarks.measures.memory import MEMORY
from benchmarks.measures.publish_rate import publish_rate
from benchmarks.measures.start_latency import start_latency
from benchmarks.redis_server import Count, RedisServer, private_redis
from benchmarks.setting import Setting

CELERY: Final = Contender(
    name="celery",
    package="celery",
    app_folder="with_celery",
    worker=("celery", "-A", "bench_app", "worker", "--pool", "prefork", "-c", "2", "-l", "WARNING"),
    drain_messages=5_000,
)

#: Acknowledges when the task is done, as Sedano does; by default Celery does before it runs.
CELERY_LATE: Final = replace(CELERY, name="celery-late", environment=(("BENCH_ACKS_LATE", "yes"),))

HUEY: Final = Contender(
    name="huey",
    package="huey",
    app_folder="with_huey",
    worker=("huey_consumer", "bench_app.huey", "-w", "2", "-k", "process", "-q"),
    drain_messages=20_000,
)

DRAMATIQ: Final = Contender(
    name="dramatiq",
    package="dramatiq",
    app_folder="with_dramatiq",
    worker=("dramatiq", "bench_app", "--processes", "2", "--threads", "1"),
    drain_messages=20_000,
    # By default a process fetches two messages for its one thread, then looks again: 540 tasks a second.
    environment=(("dramatiq_queue_prefetch", "100"),),
)

TASKIQ: Final = Contender(
    name="taskiq",
    package="taskiq",
    app_folder="with_taskiq",
    worker=("taskiq", "worker", "bench_app:broker", "--workers", "2", "--log-level", "WARNING"),
    drain_messages=20_000,
)

MAYU: Final = Contender(
    name="mayu",
    package="mayu",
    app_folder="with_mayu",
    worker=("mayu", "worker", "bench_app:app", "--processes", "2", "--log-level", "WARNING"),
    drain_messages=20_000,
)

#: By default a process of mayu's fetches two messages; fetching more makes it several times as quick.
MAYU_16: Final = replace(MAYU, name="mayu-16", worker=(*MAYU.worker, "--prefetch-multiplier", "16"))
MAYU_100: Final = replace(
    MAYU,
    name="mayu-100",
    worker=(*MAYU.worker, "--prefetch-multiplier", "100"),
    drain_messages=100_000,
)


def _mayu_unsettled(redis: Any) -> int:
    return int(redis.xlen("mayu:{default}:stream"))


def _sedano_unsettled(redis: Any) -> int:
    holders = [holder.decode() for holder in redis.smembers("sedano:{celery}:holders")]
    held = sum(redis.hlen(f"sedano:{{celery}}:held:{holder}") for holder in holders)
    inboxes = sum(redis.llen(f"sedano:{{celery}}:inbox:{holder}") for holder in holders)
    return int(redis.llen("celery") + held + inboxes)


def _celery_unsettled(redis: Any) -> int:
    return int(redis.llen("celery") + redis.hlen("unacked"))


def _count_keys(pattern: str) -> Count:
    """How many keys match."""
    return lambda redis: sum(1 for _ in redis.scan_iter(pattern, count=10_000))


#: What lies in the server until a task is done; huey and taskiq's list keep nothing of a task that runs.
UNSETTLED: Final[dict[str, Count]] = {
    SEDANO.name: _sedano_unsettled,
    CELERY.name: _celery_unsettled,
    CELERY_LATE.name: _celery_unsettled,
    HUEY.name: lambda redis: redis.llen("huey.redis.bench"),
    DRAMATIQ.name: lambda redis: redis.hlen("dramatiq:default.msgs"),
    TASKIQ.name: lambda redis: redis.llen("taskiq"),
    MAYU.name: _mayu_unsettled,
    MAYU_16.name: _mayu_unsettled,
    MAYU_100.name: _mayu_unsettled,
}

RESULTS: Final[dict[str, Count]] = {
    SEDANO.name: _count_keys("celery-task-meta-*"),
    CELERY.name: _count_keys("celery-task-meta-*"),
    CELERY_LATE.name: _count_keys("celery-task-meta-*"),
    HUEY.name: lambda redis: redis.hlen("huey.results.bench"),
    # An MD5 sum, and an id, without anything before it.
    DRAMATIQ.name: _count_keys("?" * 32),
    TASKIQ.name: _count_keys("?" * 32),
    MAYU.name: _count_keys("mayu:result:*"),
    MAYU_16.name: _count_keys("mayu:result:*"),
    MAYU_100.name: _count_keys("mayu:result:*"),
}


def _serve(folder: Path) -> AbstractContextManager[RedisServer]:
    return private_redis(folder, UNSETTLED, RESULTS)


ON_REDIS: Final = Setting(
    name="redis",
    title="On Redis",
    contenders=(SEDANO, CELERY, MAYU, HUEY, DRAMATIQ, TASKIQ),
    on_request=(CELERY_LATE, MAYU_16, MAYU_100),
    rounds=3,
    serve=_serve,
    measures=(
        drain_rate({CELERY.name: 25, MAYU.name: 3}, store_results=False),
        drain_rate({CELERY.name: 20}, store_results=True),
        drain_cost(store_results=False),
        drain_cost(store_results=True),
        publish_rate({CELERY.name: 6, MAYU.name: 1}, store_results=False),
        publish_rate({CELERY.name: 6, MAYU.name: 1}, store_results=True),
        start_latency(promised_ratios={CELERY.name: 4, MAYU.name: 1}),
        chord_time({CELERY.name: 10}, among=(SEDANO.name, CELERY.name, CELERY_LATE.name)),
        MEMORY,
        ETA_MEMORY,
        COMMANDS_SENT,
        COMMANDS_RUN,
        IDLE_CONNECTIONS,
    ),
)
