"""The signals of a worker that is one process: it is its own herald.

Used by ``solo``. Receivers run in the thread that works, between two tasks.
"""

import signal
from collections.abc import Callable

from sedano import signals
from sedano.brokers.delivery import Delivery
from sedano.brokers.settlement import Settlement
from sedano.execution.host import Host
from sedano.tasks.worker_view import worker_of
from sedano.worker import worker_signals
from sedano.worker.herald_words import (
    SIGNAL_OF,
    HeartbeatSent,
    Word,
    WorkerReady,
    WorkerShutdown,
    WorkerShuttingDown,
    word_of_refusal,
)
from sedano.worker.notes import ReceiversShouldHear
from sedano.worker.plan import NodePlan


class SoloSignals:
    """Sends them; the feeder's thread leaves notes for those that it knows of."""

    def __init__(self, app: Host, plan: NodePlan, *, leave: Callable[[ReceiversShouldHear], object]) -> None:
        self._worker = worker_of(app, plan.name)
        self._tasks = plan.tasks
        self._leave = leave
        # Set by the feeder's thread, cleared by the one that works: heartbeats during a task are one.
        self._heartbeat_waits = False

    def ready(self) -> None:
        self.send(WorkerReady())

    def stopping(self, number: int | None) -> None:
        """A signal has come; None if it stops for another reason."""
        if number is not None:
            how = "Cold" if number == getattr(signal, "SIGQUIT", None) else "Warm"
            self.send(WorkerShuttingDown(signal.Signals(number).name, how))

    def stopped(self) -> None:
        self.send(WorkerShutdown())

    def send(self, word: Word) -> None:
        """Call the receivers, here and now."""
        if isinstance(word, HeartbeatSent):
            self._heartbeat_waits = False
        worker_signals.send(word, self._worker)

    # -- said by the feeder's thread

    def heartbeat(self) -> None:
        """The lease was renewed."""
        if not self._heartbeat_waits and signals.heartbeat_sent.has_listeners():
            self._heartbeat_waits = True
            self._leave(ReceiversShouldHear(HeartbeatSent()))

    def refused(self, delivery: Delivery, settlement: Settlement) -> None:
        """A message was not admitted."""
        word = word_of_refusal(delivery, settlement, self._tasks)
        if word is not None and SIGNAL_OF[type(word)] in worker_signals.awaited():
            self._leave(ReceiversShouldHear(word))
