"""One worker: a parent process, its zygote, its children, and the thread that talks to the broker.

Made by ``running``. The parent runs no user code and imports no application; its
loop watches children and time limits, and never waits for the network.
"""

import contextlib
import gc
import logging
import selectors
import signal
import sys
import threading
from collections import Counter
from functools import partial
from time import monotonic, sleep
from typing import Final

from sedano.brokers.broker import Broker
from sedano.brokers.settlement import Settlement
from sedano.clock import Clock, SystemClock
from sedano.errors import SedanoError
from sedano.execution.job import Job
from sedano.execution.slot_kind import SlotKind
from sedano.results.store import ResultStore
from sedano.worker import zygote_words as words
from sedano.worker.admission import Admission
from sedano.worker.banner import banner
from sedano.worker.channel import BufferedChannel
from sedano.worker.child_link import ChildLink
from sedano.worker.crew import Crew
from sedano.worker.endings import Endings
from sedano.worker.feeder import Feeder
from sedano.worker.heralding import Heralding
from sedano.worker.notes import (
    FeederFailed,
    FeederListens,
    JobsClaimed,
    LeaseWasLost,
    Note,
    ReceiversShouldHear,
    SignalCame,
)
from sedano.worker.options import NodeOptions
from sedano.worker.plan import NodePlan
from sedano.worker.reloading import Reloading
from sedano.worker.scheduling import Scheduling
from sedano.worker.shutdown import Shutdown
from sedano.worker.side_link import SideLink
from sedano.worker.verdict_results import VerdictResults
from sedano.worker.wakeup import Wakeup
from sedano.worker.zygote_link import ZygoteLink

logger = logging.getLogger("sedano.worker")

#: How long the broker may take to receive the last settlements before a stop goes on without it. Seconds.
FAREWELL: Final = 10.0

#: When a child's socket is full (frames of large messages), try again after this. Seconds.
SOCKET_FULL_PAUSE: Final = 0.002


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
        self._heralding = Heralding(self._selector, self._wakeup.leave)
        self._scheduling = Scheduling(wanted=options.beat)
        self._generation = 0
        #: Jobs handed over since the start, by the kind of slot they were claimed for.
        self._received: Counter[SlotKind] = Counter()
        self._feeder = Feeder(
            plan,
            broker,
            results,
            admission=Admission(plan, clock=clock),
            hand_over=self._take_over,
            news=self._rouse,
            lease_lost=lambda generation: self._wakeup.leave(LeaseWasLost(generation)),
            failed=lambda error: self._wakeup.leave(FeederFailed(error)),
            listens=lambda: self._wakeup.leave(FeederListens()),
            renewed=self._heralding.heartbeat,
            refused=self._heralding.refused,
        )
        self._crew = Crew(
            plan,
            endings=Endings(plan, results=VerdictResults(plan, clock=clock), clock=clock),
            settle=self._settle,
            watch=self._watch,
            unwatch=self._unwatch,
        )
        self._shutdown = Shutdown(self._crew, plan, self._heralding.tell)
        self._reloading = Reloading(options, plan) if options.reload else None
        self._exit_code = 0
        self._listens = False
        #: Held by whoever works on the crew: the loop, unless it sleeps.
        self._turn = threading.Lock()

    def run(self) -> int:
        """Start, work until told to stop, stop. Returns the exit code."""
        self._selector.register(self._wakeup, selectors.EVENT_READ, self._on_wakeup)
        self._selector.register(self._zygote.channel, selectors.EVENT_READ, self._on_zygote)
        self._wakeup.on_signals([signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP], SignalCame)
        # What is here now stays: the collector need not look at it again and again.
        gc.freeze()
        self._heralding.use(self._zygote, self._plan.tasks, monotonic())
        self._scheduling.use(self._zygote)
        self._feeder.start()
        sys.stderr.write(banner(self._plan, self._broker, self._results))
        for warning in self._plan.warnings:
            logger.warning("%s", warning)
        said_ready = False
        while not self._shutdown.is_done:
            with self._turn:
                now = monotonic()
                self._crew.roster.staff(self._zygote, now)
                self._crew.place(now)
                self._allow(now)
                deadline = self._next_deadline(now)
            events = self._selector.select(None if deadline is None else max(0.0, deadline - monotonic()))
            with self._turn:
                for key, _ in events:
                    key.data()
                self._flush_outgoing()
                if not said_ready and self._is_ready:
                    said_ready = True
                    logger.info("%s ready.", self._plan.name)
        self._leave()
        return self._exit_code

    @property
    def _is_ready(self) -> bool:
        """Whatever is published now is claimed, and finds a child."""
        return self._listens and self._crew.roster.is_complete

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
        self._received.update([job.slot for job in note.jobs])
        if note.generation == self._generation:
            self._crew.take_in(note.jobs, now)
        if self._shutdown.has_begun:
            self._crew.drain()

    def _next_deadline(self, now: float) -> float | None:
        deadlines = [
            self._crew.tick(now),
            self._shutdown.tick(now),
            self._heralding.look(now, ready=self._is_ready, stopping=self._shutdown.has_begun),
        ]
        if self._shutdown.has_begun:
            self._scheduling.stop()
        deadlines.append(self._scheduling.look(now))
        if self._reloading is not None:
            self._begin_reload_if_changed(now)
            deadlines.append(self._reloading.next_look)
        if any(channel.has_outgoing for child in self._crew.children for channel in child.channels):
            deadlines.append(now + SOCKET_FULL_PAUSE)
        if self._crew.roster.is_short_handed:
            deadlines.append(now + 0.5)
        return min((d for d in deadlines if d is not None), default=None)

    def _allow(self, now: float) -> None:
        received = self._received
        wanted = self._crew.wanted(now)
        self._feeder.allow({kind: received[kind] + count for kind, count in wanted.items()})
        self._feeder.note_running(self._crew.running_tags())

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
                case ReceiversShouldHear(word=word):
                    self._heralding.tell(word)
                case FeederListens():
                    self._listens = True
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
                    self._crew.roster.name(number, pid)
                case words.Exited(pid=pid, returncode=returncode, max_rss=max_rss):
                    child = self._crew.roster.find(pid)
                    if child is not None:
                        self._crew.bury(child, returncode, max_rss, now)
                    elif not self._scheduling.bury(pid, returncode, now):
                        self._heralding.bury(pid, returncode, now)
                case words.HeraldForked(number=number, pid=pid):
                    self._heralding.name(number, pid)
                case words.SchedulerForked(pid=pid):
                    self._scheduling.name(zygote, pid)
                case words.Ready(plan=plan):
                    self._finish_reload(zygote, plan)
                case words.Broken():
                    self._abandon_reload(zygote, said)

    def _restart_zygote(self) -> None:
        logger.error("The process that forks the children ended, and its children with it; starting another")
        self._selector.unregister(self._zygote.channel)
        now = monotonic()
        for child in self._crew.roster.of(self._zygote):
            self._crew.bury(child, -signal.SIGKILL, 0, now)
        self._heralding.lose(self._zygote)
        self._zygote.stop()
        self._zygote = ZygoteLink(self._options)
        self._selector.register(self._zygote.channel, selectors.EVENT_READ, self._on_zygote)
        try:
            self._zygote.wait_until_ready()
            self._heralding.use(self._zygote, self._plan.tasks, monotonic())
            self._scheduling.use(self._zygote)
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
        needed = self._crew.roster.of(zygote) or self._heralding.needs(zygote)
        if zygote.channel.closed or (zygote in self._old_zygotes and not needed):
            self._selector.unregister(zygote.channel)
            self._heralding.lose(zygote)
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
        self._crew.plan = plan
        self._crew.roster.replace_all(zygote, plan.posts)
        self._heralding.use(zygote, plan.tasks, monotonic())
        self._scheduling.use(zygote)

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
        for side in child.sides.values():
            self._selector.register(side.channel, selectors.EVENT_READ, partial(self._on_side, child, side))

    def _unwatch(self, child: ChildLink, *channels: BufferedChannel) -> None:
        for channel in channels or child.channels:
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(channel)

    def _on_child(self, child: ChildLink) -> None:
        self._crew.hear(child, child.read(), monotonic())
        if child.channel.closed:
            # Its end will be told by the zygote, with the reason.
            self._unwatch(child, child.channel)

    def _on_side(self, child: ChildLink, side: SideLink) -> None:
        self._crew.hear_side(child, side.kind, side.read())
        if side.channel.closed:
            self._unwatch(child, side.channel)

    def _flush_outgoing(self) -> None:
        for child in self._crew.children:
            for channel in child.channels:
                if channel.has_outgoing:
                    channel.flush()

    # -- leaving

    def _leave(self) -> None:
        if not self._feeder.stop(FAREWELL):
            logger.error(
                "The broker did not take the last settlements; its other nodes will, when the lease runs out"
            )
        self._heralding.farewell(lambda: any(isinstance(note, SignalCame) for note in self._wakeup.take()))
        for zygote in [self._zygote, *self._old_zygotes]:
            zygote.stop()
        self._wakeup.close()
        self._selector.close()
        logger.info("%s stopped.", self._plan.name)
