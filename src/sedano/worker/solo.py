"""The solo pool: everything in one process, for debugging and for Windows.

One task at a time in the main thread; the broker's thread beside it. No time limits, no recycling, and a
task that kills its process takes the node with it.
"""

import asyncio
import logging
import os
import queue
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import Final, Protocol, TypeAlias

from sedano import signals
from sedano.brokers.broker import Broker
from sedano.errors import ConfigurationError
from sedano.execution.executed import Executed
from sedano.execution.executor import Executor
from sedano.execution.host import Host
from sedano.execution.job import Job
from sedano.execution.slot_kind import PREFORK
from sedano.results.store import ResultStore
from sedano.worker.admission import Admission
from sedano.worker.banner import banner
from sedano.worker.endings import Endings
from sedano.worker.feeder import Feeder
from sedano.worker.notes import (
    FeederFailed,
    FeederListens,
    JobsClaimed,
    LeaseWasLost,
    Note,
    ReceiversShouldHear,
    SignalCame,
)
from sedano.worker.opened import opened
from sedano.worker.options import NodeOptions
from sedano.worker.pidfile import pidfile
from sedano.worker.plan import NodePlan
from sedano.worker.scheduler_process import SchedulerLoop, beside
from sedano.worker.solo_signals import SoloSignals
from sedano.worker.verdict_results import VerdictResults

logger = logging.getLogger("sedano.worker")

_SIGNALS: Final = frozenset(
    getattr(signal, name)
    for name in ("SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
)

#: Imports the application that the options name, and makes the node's plan.
Load: TypeAlias = Callable[[NodeOptions], tuple["SoloHost", NodePlan]]


class SoloHost(Host, Protocol):
    """An application that has a schedule, too."""

    def scheduler(self) -> SchedulerLoop: ...


def run_solo(options: NodeOptions, load: Load) -> int:
    """Run a node in this process until it is told to stop; returns the exit code."""
    if options.reload:
        raise ConfigurationError("--reload needs the prefork pool: one process cannot import its code anew.")
    if sys.platform == "win32" and options.pool not in {None, "solo"}:
        raise ConfigurationError("On Windows only the solo pool works: give --pool solo.")
    app, plan = load(options)
    if sys.platform == "win32" and options.pool is None:
        logger.warning("On Windows tasks run one at a time, in this process: the solo pool.")
    with pidfile(options.pidfile), opened(plan) as (broker, results):
        if options.purge:
            for name in plan.queues:
                logger.warning("Purged %d messages from %s", broker.admin.purge(name), name)
        with beside(app.scheduler() if options.beat else None):
            return SoloNode(app, plan, broker, results).run()


class SoloNode:
    """One process that claims, executes and settles."""

    def __init__(self, app: Host, plan: NodePlan, broker: Broker, results: ResultStore | None) -> None:
        clock = app.clock
        self._plan = plan
        self._broker = broker
        self._results = results
        self._endings = Endings(plan, results=VerdictResults(plan, clock=clock), clock=clock)
        self._executor = Executor(app, node=plan.name, report=self._report)
        self._notes: queue.SimpleQueue[Note] = queue.SimpleQueue()
        self._signals = SoloSignals(app, plan, leave=self._notes.put)
        self._generation = 0
        self._received = 0
        self._is_stopping = False
        self._loop = asyncio.new_event_loop()
        self._exit_code = 0
        #: Tasks of which it has been said that they run without their limits.
        self._unlimited: set[str] = set()
        #: What told it to stop.
        self._signal: int | None = None
        self._feeder = Feeder(
            plan,
            broker,
            results,
            admission=Admission(plan, clock=clock),
            hand_over=lambda jobs, generation: self._notes.put(JobsClaimed(jobs, generation)),
            news=lambda: None,
            lease_lost=lambda generation: self._notes.put(LeaseWasLost(generation)),
            failed=lambda error: self._notes.put(FeederFailed(error)),
            listens=lambda: self._notes.put(FeederListens()),
            renewed=self._signals.heartbeat,
            refused=self._signals.refused,
        )

    def run(self) -> int:
        """Work until a signal says to stop; returns the exit code."""
        told, tell = socket.socketpair()
        tell.setblocking(False)
        threading.Thread(target=self._listen, args=(told,), name="sedano-signals", daemon=True).start()
        for number in _SIGNALS:
            signal.signal(number, lambda number, frame: None)
        sys.stderr.write(banner(self._plan, self._broker, self._results))
        for warning in self._plan.warnings:
            logger.warning("%s", warning)
        with tell:
            signal.set_wakeup_fd(tell.fileno())
            try:
                return self.work()
            finally:
                signal.set_wakeup_fd(-1)

    def work(self) -> int:
        """Work until a signal, or ``stop``, says to stop. Installs no handlers: for any thread."""
        signals.worker_process_init.send(sender=self._plan.name)
        self._feeder.start()
        while not self._is_stopping:
            self._feeder.allow({PREFORK: self._received + 1})
            self._heed(self._notes.get())
        self._signals.stopping(self._signal)
        self._feeder.stop(timeout=10.0)
        pid = os.getpid()
        signals.worker_process_shutdown.send(sender=self._plan.name, pid=pid, exitcode=self._exit_code)
        self._signals.stopped()
        self._loop.close()
        return self._exit_code

    def stop(self) -> None:
        """Have ``work`` end after the task that is running. From any thread."""
        self._is_stopping = True
        # Nothing to do: it wakes the thread that works.
        self._notes.put(JobsClaimed([], self._generation))

    def _listen(self, told: socket.socket) -> None:
        """In a thread of its own: the one that works is busy with a task, maybe outside of Python.

        That one cannot be relied on even so: of two signals that come together, the second may be handed to
        another thread, and then nothing interrupts what the first is waiting for.
        """
        with told:
            while numbers := told.recv(64):
                for number in filter(_SIGNALS.__contains__, numbers):
                    if self._is_stopping:
                        self._leave_at_once()
                    self._is_stopping = True
                    self._signal = number
                    self._notes.put(SignalCame(number))

    def _leave_at_once(self) -> None:
        """Give the message back, and go."""
        self._feeder.stop(timeout=5.0)
        os._exit(0)

    def _heed(self, note: Note) -> None:
        match note:
            case JobsClaimed(jobs=jobs, generation=generation):
                self._received += len(jobs)
                for job in jobs:
                    self._work(job, generation)
            case LeaseWasLost(generation=generation):
                self._generation = generation
            case FeederListens():
                self._signals.ready()
                logger.info("%s ready.", self._plan.name)
            case FeederFailed(error=error):
                logger.critical("The broker thread failed; the node stops", exc_info=error)
                self._exit_code = 1
                self._is_stopping = True
            case ReceiversShouldHear(word=word):
                self._signals.send(word)
            case SignalCame():
                logger.warning("Stopping")

    def _work(self, job: Job, generation: int) -> None:
        if self._is_stopping:
            self._feeder.settle([self._endings.unstarted(job)], generation)
            return
        self._generation = generation
        self._feeder.note_running(frozenset({job.delivery.tag}))
        traits = self._plan.tasks.get(job.delivery.task)
        if traits is not None and traits.is_coroutine and job.ending is None:
            executed = self._loop.run_until_complete(self._executor.execute_async(job))
        else:
            self._say_if_unlimited(job)
            executed = self._executor.execute(job)
        self._feeder.note_running(frozenset())
        self._report(executed)

    def _say_if_unlimited(self, job: Job) -> None:
        """Limits of tasks are refused at the start; those of calls come with them."""
        task = job.delivery.task
        if job.ending is None and (job.time_limit or job.soft_time_limit) and task not in self._unlimited:
            self._unlimited.add(task)
            logger.warning("Task %s runs without its time limit: the solo pool cannot keep any", task)

    def _report(self, executed: Executed) -> None:
        self._feeder.settle([executed.settlement], self._generation)
