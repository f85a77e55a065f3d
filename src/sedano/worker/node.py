"""One worker: a parent process, its zygote, its children, and the thread that talks to the broker.

``run_node`` is what ``sedano worker`` calls. The parent runs no user code and imports no application; its
loop watches children and time limits, and never waits for the network.
"""

import contextlib
import gc
import logging
import selectors
import signal
import sys
import threading
from time import monotonic, sleep
from typing import Final

from sedano.brokers.broker import Broker
from sedano.brokers.settlement import Settlement
from sedano.clock import Clock, SystemClock
from sedano.errors import ConfigurationError, SedanoError
from sedano.execution.job import Job
from sedano.monitoring.logging_setup import set_up_logging
from sedano.results.store import ResultStore
from sedano.worker import zygote_words as words
from sedano.worker.admission import Admission
from sedano.worker.banner import banner
from sedano.worker.channel import BufferedChannel
from sedano.worker.child_link import ChildLink
from sedano.worker.crew import Crew
from sedano.worker.endings import Endings
from sedano.worker.feeder import Feeder
from sedano.worker.notes import FeederFailed, JobsClaimed, LeaseWasLost, Note, SignalCame
from sedano.worker.opened import opened
from sedano.worker.options import NodeOptions
from sedano.worker.pidfile import pidfile
from sedano.worker.plan import NodePlan
from sedano.worker.reloading import Reloading
from sedano.worker.shutdown import Shutdown
from sedano.worker.solo import Load, run_solo
from sedano.worker.verdict_results import VerdictResults
from sedano.worker.wakeup import Wakeup
from sedano.worker.zygote_link import ZygoteLink

logger = logging.getLogger("sedano.worker")

#: How long the broker may take to receive the last settlements before a stop goes on without it. Seconds.
FAREWELL: Final = 10.0

#: When a child's socket is full (frames of large messages), try again after this. Seconds.
SOCKET_FULL_PAUSE: Final = 0.002


def run_node(options: NodeOptions, *, load: Load) -> int:
    """Run a worker until it is told to stop.

    Args:
        options: What the command line said.
        load: Imports the application and makes its plan; called in this process for the solo pool only.

    Returns:
        The exit code: 0 after any orderly stop, 1 if the node could not go on.

    Raises:
        ApplicationNotFound, ConfigurationError, BrokerError: it could not start; the message says why.
    """
    if options.pool == "solo" or sys.platform == "win32":
        return run_solo(options, load)
    zygote = ZygoteLink(options)
    try:
        plan = zygote.wait_until_ready()
        if plan.pool == "solo":
            zygote.stop()
            return run_solo(options, load)
        set_up_logging(options.loglevel, logfile=options.logfile, formats=plan.log_formats)
        with pidfile(options.pidfile), opened(plan) as (broker, results):
            if not broker.features.between_processes:
                raise ConfigurationError(
                    f"The {broker.name} broker does not leave its process: the prefork pool cannot use it. "
                    "Name another broker_url, or use --pool solo."
                )
            # A broker that cannot be used is an error at the start, told in one line.
            broker.admin.queues()
            if options.purge:
                for queue in plan.queues:
                    logger.warning("Purged %d messages from %s", broker.admin.purge(queue), queue)
            return Node(options, plan, zygote, broker, results).run()
    finally:
        zygote.stop()


#: How long the feeder lets a child begin a lone job before it goes on: what it does next, and the loop that
#: it wakes, would take the processor from the child. On 2 cores the task starts 0.25 ms sooner. Seconds.
STAND_BACK: Final = 0.0005


class Node:
    """The parent's loop. Everything here is done by the main thread, but for ``_take_over`` and ``_rouse``:
    the feeder's thread calls those, and does in them what the loop would do, while the loop sleeps."""

    def __init__(
        self,
        options: NodeOptions,
        plan: NodePlan,
        zygote: ZygoteLink,
        broker: Broker,
        results: ResultStore | None,
        *,
        clock: Clock | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self._options = options
        self._plan = plan
        self._zygote = zygote
        self._old_zygotes: list[ZygoteLink] = []
        self._broker = broker
        self._results = results
        self._clock = clock
        self._selector = selectors.DefaultSelector()
        self._wakeup: Wakeup[Note] = Wakeup()
        self._generation = 0
        self._received = 0
        self._feeder = Feeder(
            plan,
            broker,
            results,
            admission=Admission(plan, clock=clock),
            hand_over=self._take_over,
            news=self._rouse,
            lease_lost=lambda generation: self._wakeup.leave(LeaseWasLost(generation)),
            failed=lambda error: self._wakeup.leave(FeederFailed(error)),
        )
        self._crew = Crew(
            plan,
            endings=Endings(plan, results=VerdictResults(plan, clock=clock), clock=clock),
            settle=self._settle,
            watch=self._watch,
            unwatch=self._unwatch,
        )
        self._shutdown = Shutdown(self._crew, plan)
        self._reloading = Reloading(options, plan) if options.reload else None
        self._exit_code = 0
        #: Held by whoever works on the crew: the loop, unless it sleeps.
        self._turn = threading.Lock()

    def run(self) -> int:
        """Start, work until told to stop, stop. Returns the exit code."""
        self._selector.register(self._wakeup, selectors.EVENT_READ, self._on_wakeup)
        self._selector.register(self._zygote.channel, selectors.EVENT_READ, self._on_zygote)
        self._wakeup.on_signals([signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP], SignalCame)
        # What is here now stays: the collector need not look at it again and again.
        gc.freeze()
        self._feeder.start()
        sys.stderr.write(banner(self._plan, self._broker, self._results))
        for warning in self._plan.warnings:
            logger.warning("%s", warning)
        was_ready = False
        while not self._shutdown.is_done:
            with self._turn:
                now = monotonic()
                self._crew.staff(self._zygote, now)
                self._crew.place(now)
                self._allow(now)
                deadline = self._next_deadline(now)
            events = self._selector.select(None if deadline is None else max(0.0, deadline - monotonic()))
            with self._turn:
                for key, _ in events:
                    key.data()
                self._flush_outgoing()
                if not was_ready and self._crew.is_complete:
                    was_ready = True
                    logger.info("%s ready.", self._plan.name)
        self._leave()
        return self._exit_code

    def _take_over(self, jobs: list[Job], generation: int) -> None:
        """Called by the feeder's thread. While the loop sleeps the jobs go straight to the children: to wake
        the loop for it would cost as much time as all the rest of the parent's work for a task."""
        note = JobsClaimed(jobs, generation)
        if not self._turn.acquire(blocking=False):
            self._wakeup.leave(note)
            return
        try:
            if generation != self._generation:
                # The loop has not heard yet that a lease was lost: this comes after that.
                self._wakeup.leave(note)
                return
            now = monotonic()
            self._take_in(note, now)
            self._crew.place(now)
        finally:
            self._turn.release()
        if len(jobs) == 1:
            sleep(STAND_BACK)
        # The children's time limits are the loop's, and so is what else may be claimed.
        self._wakeup.ring()

    def _rouse(self) -> None:
        """Called by the feeder's thread: something is ready. A child wakes up while it is being claimed."""
        if self._turn.acquire(blocking=False):
            try:
                self._crew.rouse()
            finally:
                self._turn.release()

    def _take_in(self, note: JobsClaimed, now: float) -> None:
        # Counted in any case: the feeder counts what it hands over, whatever becomes of it.
        self._received += len(note.jobs)
        if note.generation == self._generation:
            self._crew.take_in(note.jobs, now)
        if self._shutdown.has_begun:
            self._crew.drain()

    def _next_deadline(self, now: float) -> float | None:
        deadlines = [self._crew.tick(now), self._shutdown.tick(now)]
        if self._reloading is not None:
            self._begin_reload_if_changed(now)
            deadlines.append(self._reloading.next_look)
        if any(c.channel.has_outgoing or c.async_channel.has_outgoing for c in self._crew.children):
            deadlines.append(now + SOCKET_FULL_PAUSE)
        if self._crew.is_short_handed:
            deadlines.append(now + 0.5)
        return min((d for d in deadlines if d is not None), default=None)

    def _allow(self, now: float) -> None:
        wanted = self._crew.wanted(now)
        loops = self._crew.wanted_for_loops() if self._plan_has_coroutines() else 0
        self._feeder.allow(self._received + wanted, loops if not wanted else 0)
        self._feeder.note_running(self._crew.running_tags())

    def _plan_has_coroutines(self) -> bool:
        return any(traits.is_coroutine for traits in self._plan.tasks.values())

    def _settle(self, settlements: list[Settlement]) -> None:
        if settlements:
            self._feeder.settle(settlements, self._generation)

    # -- news

    def _on_wakeup(self) -> None:
        now = monotonic()
        for note in self._wakeup.take():
            match note:
                case JobsClaimed():
                    self._take_in(note, now)
                case LeaseWasLost(generation=generation):
                    self._generation = generation
                    self._crew.forget_everything()
                case SignalCame(number=number):
                    self._shutdown.heed(number, now)
                case FeederFailed(error=error):
                    logger.critical("The broker thread failed; the node stops", exc_info=error)
                    self._exit_code = 1
                    self._shutdown.give_up()

    def _on_zygote(self) -> None:
        self._hear_zygote(self._zygote)
        if self._zygote.channel.closed and not self._shutdown.is_done:
            self._restart_zygote()

    def _hear_zygote(self, zygote: ZygoteLink) -> None:
        now = monotonic()
        for said in zygote.read():
            match said:
                case words.Forked(number=number, pid=pid):
                    self._crew.name(number, pid)
                case words.Exited(pid=pid, returncode=returncode, max_rss=max_rss):
                    child = self._crew.find(pid)
                    if child is not None:
                        self._crew.bury(child, returncode, max_rss, now)
                case words.Ready(plan=plan):
                    self._finish_reload(zygote, plan)
                case words.Broken():
                    self._abandon_reload(zygote, said)

    def _restart_zygote(self) -> None:
        logger.error("The process that forks the children ended, and its children with it; starting another")
        self._selector.unregister(self._zygote.channel)
        now = monotonic()
        for child in self._crew.of(self._zygote):
            self._crew.bury(child, -signal.SIGKILL, 0, now)
        self._zygote.stop()
        self._zygote = ZygoteLink(self._options)
        self._selector.register(self._zygote.channel, selectors.EVENT_READ, self._on_zygote)
        try:
            self._zygote.wait_until_ready()
        except SedanoError as error:
            logger.critical("It could not be started: %s", error)
            self._exit_code = 1
            self._shutdown.give_up()

    # -- reloading

    def _begin_reload_if_changed(self, now: float) -> None:
        if self._reloading is None or self._shutdown.has_begun:
            return
        zygote = self._reloading.look(now)
        if zygote is not None:
            self._selector.register(
                zygote.channel, selectors.EVENT_READ, lambda: self._hear_other_zygote(zygote)
            )

    def _hear_other_zygote(self, zygote: ZygoteLink) -> None:
        self._hear_zygote(zygote)
        if zygote is self._zygote:
            return
        if zygote.channel.closed or (zygote in self._old_zygotes and not self._crew.of(zygote)):
            self._selector.unregister(zygote.channel)
            zygote.stop()
            if zygote in self._old_zygotes:
                self._old_zygotes.remove(zygote)

    def _finish_reload(self, zygote: ZygoteLink, plan: NodePlan) -> None:
        if zygote is self._zygote or self._reloading is None:
            return
        logger.warning("The application was reloaded; running tasks finish on the old code")
        old, self._zygote, self._plan = self._zygote, zygote, plan
        self._selector.modify(old.channel, selectors.EVENT_READ, lambda: self._hear_other_zygote(old))
        self._selector.modify(zygote.channel, selectors.EVENT_READ, self._on_zygote)
        self._old_zygotes.append(old)
        self._reloading.watch(plan)
        self._feeder.admission = Admission(plan, clock=self._clock)
        self._crew.replace_all(zygote, plan)

    def _abandon_reload(self, zygote: ZygoteLink, broken: words.Broken) -> None:
        logger.error(
            "The changed application cannot be imported; the node goes on with the old code.\n%s",
            broken.traceback,
        )
        if self._reloading is not None:
            self._reloading.abandon()

    # -- children's channels

    def _watch(self, child: ChildLink) -> None:
        self._selector.register(child.channel, selectors.EVENT_READ, lambda: self._on_child(child))
        self._selector.register(child.async_channel, selectors.EVENT_READ, lambda: self._on_loop(child))

    def _unwatch(self, child: ChildLink, *channels: BufferedChannel) -> None:
        for channel in channels or (child.channel, child.async_channel):
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(channel)

    def _on_child(self, child: ChildLink) -> None:
        self._crew.hear(child, child.read(), monotonic())
        if child.channel.closed:
            # Its end will be told by the zygote, with the reason.
            self._unwatch(child, child.channel)

    def _on_loop(self, child: ChildLink) -> None:
        self._crew.hear_loop(child, child.read_loop())
        if child.async_channel.closed:
            self._unwatch(child, child.async_channel)

    def _flush_outgoing(self) -> None:
        for child in self._crew.children:
            for channel in (child.channel, child.async_channel):
                if channel.has_outgoing:
                    channel.flush()

    # -- leaving

    def _leave(self) -> None:
        for zygote in [self._zygote, *self._old_zygotes]:
            zygote.stop()
        if not self._feeder.stop(FAREWELL):
            logger.error(
                "The broker did not take the last settlements; its other nodes will, when the lease runs out"
            )
        self._wakeup.close()
        self._selector.close()
        logger.info("%s stopped.", self._plan.name)
