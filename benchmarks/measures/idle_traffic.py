"""What an idle worker asks of Redis: commands a second, and open connections.

What it sends is counted with MONITOR; what the server runs for it, the commands within its scripts
among them, with INFO commandstats.
"""

import time
from typing import Final

from benchmarks.measures.measure import Measure
from benchmarks.redis_server import redis_of
from benchmarks.trial import Trial
from benchmarks.warm_worker import warm_worker

SECONDS: Final = 15.0
QUICK_SECONDS: Final = 6.0


def _take_sent(trial: Trial) -> float:
    seconds = QUICK_SECONDS if trial.quick else SECONDS
    with warm_worker(trial):
        return redis_of(trial.server).count_sent(seconds) / seconds


def _take_run(trial: Trial) -> float:
    server = redis_of(trial.server)
    seconds = QUICK_SECONDS if trial.quick else SECONDS
    with warm_worker(trial):
        before = server.count_commands()
        time.sleep(seconds)
        return (server.count_commands() - before) / seconds


def _take_connections(trial: Trial) -> float:
    with warm_worker(trial):
        return redis_of(trial.server).count_connections()


COMMANDS_SENT: Final = Measure(
    name="idle worker, commands sent",
    unit="a second",
    higher_is_better=False,
    take=_take_sent,
    promised_figure=5.0,
)

COMMANDS_RUN: Final = Measure(
    name="idle worker, commands run, those within scripts too",
    unit="a second",
    higher_is_better=False,
    take=_take_run,
)

IDLE_CONNECTIONS: Final = Measure(
    name="idle worker, connections to the server",
    unit="in all",
    higher_is_better=False,
    take=_take_connections,
    # Two, and one for each queue.
    promised_figure=3.0,
)
