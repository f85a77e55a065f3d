"""Sedano and Celery on a private RabbitMQ, with results in a private Redis.

Both run two processes, with their defaults otherwise. Sedano has every message confirmed by the server before
``delay()`` returns; Celery has not, unless it is told to (``celery-confirms``).
"""

from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks import contender
from benchmarks.measures.chord_time import chord_time
from benchmarks.measures.drain_cost import drain_cost
from benchmarks.measures.drain_rate import drain_rate
from benchmarks.measures.eta_memory import ETA_MEMORY
from benchmarks.measures.memory import MEMORY
from benchmarks.measures.publish_rate import publish_rate
from benchmarks.measures.start_latency import start_latency
from benchmarks.rabbitmq_server import RabbitServer, private_rabbitmq
from benchmarks.setting import Setting
from benchmarks.settings import on_redis
from benchmarks.settings.on_redis import RESULTS

#: The same for all: the longer the queue, the more a message costs the server.
_BACKLOG: Final = 20_000

SEDANO: Final = replace(contender.SEDANO, drain_messages=_BACKLOG)
CELERY: Final = replace(on_redis.CELERY, drain_messages=_BACKLOG)
CELERY_LATE: Final = replace(on_redis.CELERY_LATE, drain_messages=_BACKLOG)
CELERY_CONFIRMS: Final = replace(
    CELERY, name="celery-confirms", environment=(("BENCH_CONFIRM_PUBLISH", "yes"),)
)


def _serve(folder: Path) -> AbstractContextManager[RabbitServer]:
    return private_rabbitmq(folder, "celery", {**RESULTS, CELERY_CONFIRMS.name: RESULTS[CELERY.name]})


ON_RABBITMQ: Final = Setting(
    name="rabbitmq",
    title="On RabbitMQ, results in Redis",
    contenders=(SEDANO, CELERY, CELERY_CONFIRMS),
    on_request=(CELERY_LATE,),
    rounds=3,
    serve=_serve,
    measures=(
        drain_rate({CELERY.name: 4}, store_results=False),
        drain_rate({CELERY.name: 4}, store_results=True),
        drain_cost(store_results=False),
        drain_cost(store_results=True),
        publish_rate({CELERY.name: 1}, store_results=False),
        publish_rate({CELERY.name: 1}, store_results=True),
        start_latency(promised_ratios={CELERY.name: 1}),
        chord_time({}, among=(SEDANO.name, CELERY.name, CELERY_LATE.name)),
        MEMORY,
        ETA_MEMORY,
    ),
)
