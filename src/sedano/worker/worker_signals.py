"""Sends the signals of a worker's life, in the process that calls it.

Called by the herald and by solo nodes; ``start_signals`` sends those before the work begins. A receiver may
take its time, and may raise what it likes.
"""

import logging
from typing import Final, assert_never

from sedano import signals
from sedano.errors import MalformedMessage, TaskNotRegistered
from sedano.execution import task_signals
from sedano.tasks.worker_view import WorkerView
from sedano.worker.herald_words import (
    SIGNAL_OF,
    HeartbeatSent,
    TaskRejected,
    TaskUnknown,
    Word,
    WorkerReady,
    WorkerShutdown,
    WorkerShuttingDown,
)

logger = logging.getLogger("sedano.worker")

_SIGNALS: Final = (
    signals.worker_ready,
    signals.heartbeat_sent,
    signals.worker_shutting_down,
    signals.worker_shutdown,
    signals.task_unknown,
    signals.task_rejected,
)


def awaited() -> tuple[str, ...]:
    """The names of those of these signals that have receivers here."""
    return tuple(signal.name for signal in _SIGNALS if signal.has_listeners())


def send(word: Word, worker: WorkerView) -> None:
    """Call the receivers of the signal that this word becomes."""
    try:
        _send(word, worker)
    except BaseException:
        # What is no Exception, such as SystemExit, passes a signal: it ends no worker either.
        logger.exception("A receiver of %s failed", SIGNAL_OF[type(word)])


def _send(word: Word, worker: WorkerView) -> None:
    match word:
        case WorkerReady():
            signals.worker_ready.send(worker)
        case HeartbeatSent():
            signals.heartbeat_sent.send(worker)
        case WorkerShuttingDown(sig=sig, how=how, exitcode=code):
            signals.worker_shutting_down.send(worker.hostname, sig=sig, how=how, exitcode=code)
        case WorkerShutdown():
            signals.worker_shutdown.send(worker)
        case TaskUnknown(delivery=delivery):
            task_signals.unknown(worker, delivery, TaskNotRegistered(delivery.task, worker.app.tasks))
        case TaskRejected(delivery=delivery, reason=reason):
            task_signals.rejected(worker, delivery, MalformedMessage(reason))
        case _:
            assert_never(word)
