"""The children of a node and who of them does what: placing, recalling, limiting, burying, replacing.

Owned by the node (``worker.node``), which tells it what was read and what time it is, one thread at a time.
Never talks to a broker: settlements go to the node.
"""

import logging
import signal
from collections.abc import Callable
from time import monotonic
from typing import Final, Protocol

from sedano.backoff import ExponentialBackoff
from sedano.brokers.settlement import Settlement
from sedano.execution.job import Job
from sedano.worker import appetite, time_limits
from sedano.worker.backlog import Backlog
from sedano.worker.child_link import ChildLink, Stage
from sedano.worker.endings import Endings
from sedano.worker.frames import FromChild, Hello, Report
from sedano.worker.pace import ENDLESS, Pace
from sedano.worker.plan import NodePlan

logger = logging.getLogger("sedano.worker")

#: A child gets this much expected work at once: enough that frames cost nothing, little enough that a
#: recall is rare. Seconds.
FRAME_WORK: Final = 0.005
#: Beyond this the saving is nil (measured: 64 a frame 110,000/s, 32 a frame 92,000/s).
LARGEST_FRAME: Final = 64
#: Bytes of arguments in one frame, beyond its first job.
LARGEST_FRAME_SIZE: Final = 256 * 1024
#: A child that has not said hello for so long never will. Seconds.
LONGEST_START: Final = 60.0
#: A frame that shows no progress for so long has met a long task: the rest of it is recalled. Seconds.
RECALL_AFTER: Final = appetite.STUCK_AFTER
#: A job that has waited here for so long goes back to the broker, where a free node may be. Seconds.
GIVE_BACK_AFTER: Final = 0.100


class Forker(Protocol):
    """What makes children and signals them: a ``ZygoteLink``."""

    def fork(self, child: ChildLink) -> None:
        """Have a process made for this link."""

    def kill(self, pid: int, number: int) -> None:
        """Send a signal to a child, if it still lives."""


class Crew:
    """All children of one node, and the jobs that wait for them."""

    def __init__(
        self,
        plan: NodePlan,
        *,
        endings: Endings,
        settle: Callable[[list[Settlement]], None],
        watch: Callable[[ChildLink], None],
        unwatch: Callable[[ChildLink], None],
    ) -> None:
        self.plan = plan
        self.pace = Pace()
        self.backlog = Backlog()
        self.loop_backlog = Backlog()
        self.children: list[ChildLink] = []
        self._zygote_of: dict[int, Forker] = {}
        self._endings = endings
        self._settle = settle
        self._watch = watch
        self._unwatch = unwatch
        self._next_number = 0
        #: Child number → number of the child that replaces it once it has said hello.
        self._replacing: dict[int, ChildLink] = {}
        self._draining = False
        self._early_deaths = 0
        self._respawn_backoff = ExponentialBackoff(factor=0.5, longest=30.0, jitter=False)
        #: When missing children may be forked again (monotonic).
        self._fork_not_before = 0.0

    # -- how many, and where from

    def staff(self, zygote: Forker, now: float) -> None:
        """Fork the children that are missing."""
        if self._draining or now < self._fork_not_before:
            return
        leaving = {child.number for child in self._replacing.values()}
        present = sum(
            1 for child in self.children if child.stage is not Stage.RETIRING and child.number not in leaving
        )
        for _ in range(self.plan.concurrency - present):
            self._fork(zygote)

    def _fork(self, zygote: Forker) -> ChildLink:
        child = ChildLink(self._next_number, monotonic())
        self._next_number += 1
        self.children.append(child)
        self._zygote_of[child.number] = zygote
        self._watch(child)
        zygote.fork(child)
        return child

    def replace(self, child: ChildLink) -> None:
        """Have a successor ready before this child leaves."""
        if child.stage is Stage.WORKING and child not in self._replacing.values() and not self._draining:
            successor = self._fork(self._zygote_of[child.number])
            self._replacing[successor.number] = child

    def replace_all(self, zygote: Forker, plan: NodePlan) -> None:
        """The application was imported anew: every child gets a successor from the new zygote."""
        self.plan = plan
        for child in list(self.children):
            if child.stage is Stage.WORKING and child not in self._replacing.values():
                successor = self._fork(zygote)
                self._replacing[successor.number] = child
            elif child.stage is Stage.STARTING:
                self._zygote_of[child.number].kill(child.pid or 0, signal.SIGKILL)

    def of(self, zygote: Forker) -> list[ChildLink]:
        """The children of one zygote."""
        return [child for child in self.children if self._zygote_of[child.number] is zygote]

    def name(self, number: int, pid: int) -> None:
        """The zygote has forked this child."""
        for child in self.children:
            if child.number == number:
                child.pid = pid
                if child.killed_for is not None:
                    self._kill(child, child.killed_for)

    def find(self, pid: int) -> ChildLink | None:
        """The child with this process id."""
        return next((child for child in self.children if child.pid == pid), None)

    @property
    def is_complete(self) -> bool:
        """Every slot has a child that can work."""
        working = sum(1 for child in self.children if child.stage is Stage.WORKING)
        return working >= self.plan.concurrency

    @property
    def is_short_handed(self) -> bool:
        """Children are missing, and are to be forked when their back-off is over."""
        return not self._draining and len(self.children) < self.plan.concurrency

    # -- placing

    def place(self, now: float) -> None:
        """Give waiting jobs to children that may have them."""
        while self.loop_backlog and (child := self._child_with_loop_room()) is not None:
            child.give_to_loop(self.loop_backlog.take(), now)
        while self.backlog and (child := self._child_for(self.backlog.first)) is not None:
            child.give(self._next_frame(child), now)
            limit = self.plan.max_tasks_per_child
            if limit is not None and child.done + len(child.in_flight) >= limit:
                self.replace(child)

    def rouse(self) -> None:
        """Have the child that gets the next job awake when it comes."""
        if not self.backlog:
            for child in self.children:
                if child.stage is Stage.WORKING and not child.in_flight:
                    child.rouse()
                    return

    def take_in(self, jobs: list[Job], now: float) -> None:
        """Newly claimed jobs."""
        for job in jobs:
            traits = self.plan.tasks.get(job.delivery.task)
            on_loop = traits is not None and traits.is_coroutine and job.ending is None
            backlog = self.loop_backlog if on_loop else self.backlog
            backlog.add([job], now)

    def _child_with_loop_room(self) -> ChildLink | None:
        most = self.plan.async_concurrency
        fitting = [c for c in self.children if c.stage is Stage.WORKING and len(c.on_loop) < most]
        # A busy synchronous slot competes with the loop for the interpreter.
        return min(fitting, key=lambda c: (len(c.on_loop), len(c.in_flight)), default=None)

    def _child_for(self, job: Job) -> ChildLink | None:
        short = self._expected(job) < ENDLESS
        best: ChildLink | None = None
        for child in self.children:
            if child.stage is not Stage.WORKING or not self._has_tasks_left(child):
                continue
            if not child.in_flight:
                return child
            # A second frame on its way keeps the child busy while its first report travels.
            if short and child.work_in_flight < (best.work_in_flight if best is not None else FRAME_WORK):
                best = child
        return best

    def _has_tasks_left(self, child: ChildLink) -> bool:
        limit = self.plan.max_tasks_per_child
        return limit is None or child.done + len(child.in_flight) < limit

    def _next_frame(self, child: ChildLink) -> list[tuple[Job, float]]:
        idle = sum(1 for c in self.children if c.stage is Stage.WORKING and not c.in_flight)
        most = min(LARGEST_FRAME, -(-len(self.backlog) // max(1, idle)))
        limit = self.plan.max_tasks_per_child
        if limit is not None:
            most = min(most, limit - child.done - len(child.in_flight))
        job = self.backlog.take()
        work, size = self._expected(job), len(job.delivery.envelope.body)
        flight = [(job, work)]
        while len(flight) < most and self.backlog:
            job = self.backlog.first
            seconds = self._expected(job)
            work += seconds
            size += len(job.delivery.envelope.body)
            if work > FRAME_WORK or size > LARGEST_FRAME_SIZE:
                break
            flight.append((self.backlog.take(), seconds))
        return flight

    def _expected(self, job: Job) -> float:
        """Seconds; endless for jobs that travel alone."""
        if job.acknowledged or job.ending is not None:
            return ENDLESS
        return self.pace.expected(job.delivery.task)

    def wanted(self, now: float) -> int:
        """How many more jobs the synchronous slots could use soon."""
        if self._draining:
            return 0
        return appetite.for_slots(self.children, waiting=len(self.backlog), pace=self.pace, now=now)

    def wanted_for_loops(self) -> int:
        """How many more coroutine tasks the event loops have room for."""
        if self._draining:
            return 0
        most = self.plan.async_concurrency
        return appetite.for_loops(self.children, waiting=len(self.loop_backlog), most=most)

    # -- hearing

    def hear(self, child: ChildLink, said: list[FromChild], now: float) -> None:
        """The child's main thread has spoken."""
        for word in said:
            if isinstance(word, Hello):
                self._welcome(child)
                continue
            ended = self._book(child, word, child.finished)
            if ended:
                child.busy_since = now
                child.soft_limit_sent = None
            if word.outgrown:
                self.replace(child)
        self._let_go_if_idle(child)

    def hear_loop(self, child: ChildLink, said: list[FromChild]) -> None:
        """The child's event loop has spoken."""
        for word in said:
            if isinstance(word, Report):
                self._book(child, word, child.finished_on_loop)
        self._let_go_if_idle(child)

    def _book(self, child: ChildLink, report: Report, finished: Callable[[int], Job | None]) -> int:
        """Pass the settlements on; returns how many jobs have ended."""
        settlements: list[Settlement] = []
        ended = 0
        note = self.pace.note
        for executed in report.executed:
            # What the child no longer holds is a last word on a lost claim: nothing of it may be carried out.
            if not executed.final:
                if child.holds(executed.tag):
                    settlements.append(executed.settlement)
            elif (job := finished(executed.tag)) is not None:
                ended += 1
                if job.ending is None:
                    note(job.delivery.task, executed.runtime)
                settlements.append(executed.settlement)
        if settlements:
            self._settle(settlements)
        return ended

    def _let_go_if_idle(self, child: ChildLink) -> None:
        if child.stage is Stage.RETIRING and child.idle:
            child.let_go()

    def _welcome(self, child: ChildLink) -> None:
        child.stage = Stage.WORKING
        self._early_deaths = 0
        predecessor = self._replacing.pop(child.number, None)
        if predecessor is not None:
            self._retire(predecessor)

    def _retire(self, child: ChildLink) -> None:
        if child.stage in {Stage.WORKING, Stage.STARTING}:
            self.backlog.put_back(child.retire(), child.busy_since)
            self._let_go_if_idle(child)

    def bury(self, child: ChildLink, returncode: int, max_rss: int, now: float) -> None:
        """A child is gone: settle what it was doing, hand on what it had not begun."""
        self.hear(child, child.read(), now)
        self.hear_loop(child, child.read_loop())
        started = child.stage
        left = child.wreckage()
        self._unwatch(child)
        child.close()
        self.children.remove(child)
        del self._zygote_of[child.number]
        self._replacing.pop(child.number, None)
        settlements, to_tell = self._endings.of_dead_child(child, left, returncode, max_rss)
        self._settle(settlements)
        self.backlog.put_back(to_tell + left.unstarted, now)
        if started is Stage.STARTING and not self._draining:
            delay = self._respawn_backoff.delay(self._early_deaths)
            self._early_deaths += 1
            self._fork_not_before = now + delay
            logger.error(
                "A child ended (%s) before it was ready; trying again in %.1f s. What it printed is above.",
                returncode,
                delay,
            )

    # -- watching the time

    def tick(self, now: float) -> float | None:
        """Enforce limits, recall, give back. Returns when to look again (monotonic); None: no need to."""
        deadlines: list[float] = []
        for child in self.children:
            if child.stage is Stage.STARTING:
                deadlines.append(self._end_if_stuck(child, now))
            deadlines += self._enforce_limits(child, now)
            if len(child.in_flight) > 1:
                due = child.busy_since + RECALL_AFTER
                if now >= due:
                    self.backlog.put_back(child.recall(), child.busy_since)
                    # Asked again only if there was nothing to recall: one job of the frame had just begun.
                    due = now + RECALL_AFTER
                deadlines.append(due)
        for backlog in (self.backlog, self.loop_backlog):
            if backlog:
                if backlog.older_than(now - GIVE_BACK_AFTER):
                    jobs = backlog.take_all()
                    stay = self._endings.must_stay if not self._draining else lambda _: False
                    self._settle([self._endings.unstarted(job) for job in jobs if not stay(job)])
                    backlog.put_back([job for job in jobs if stay(job)], now)
                else:
                    deadlines.append(now + GIVE_BACK_AFTER)
        return min(deadlines, default=None)

    def _end_if_stuck(self, child: ChildLink, now: float) -> float:
        due = child.forked_at + LONGEST_START
        if now >= due and child.killed_for is None:
            logger.error(
                "A child was not ready after %g s: do worker_process_init handlers wait?", LONGEST_START
            )
            self._kill(child, "it did not start")
        return due if now < due else now + LONGEST_START

    def _enforce_limits(self, child: ChildLink, now: float) -> list[float]:
        verdict = time_limits.judge(child, now)
        if verdict.soft_limit_passed and child.running is not None and child.pid is not None:
            child.soft_limit_sent = child.running.delivery.tag
            self._zygote_of[child.number].kill(child.pid, signal.SIGUSR1)
        if verdict.kill_for is not None:
            child.killed_tag = verdict.culprit
            self._kill(child, verdict.kill_for)
        return verdict.deadlines

    def _kill(self, child: ChildLink, why: Exception | str) -> None:
        child.killed_for = why
        if child.pid is not None:
            self._zygote_of[child.number].kill(child.pid, signal.SIGKILL)

    # -- leaving

    def running_tags(self) -> frozenset[int]:
        """The messages that children are running right now."""
        tags = {child.running.delivery.tag for child in self.children if child.running is not None}
        for child in self.children:
            tags.update(child.on_loop)
        return frozenset(tags)

    def drain(self) -> None:
        """Start nothing more: what has not begun goes back to the broker, idle children leave."""
        self._draining = True
        for child in self.children:
            self._retire(child)
        jobs = self.backlog.take_all() + self.loop_backlog.take_all()
        self._settle([self._endings.unstarted(job) for job in jobs])

    def kill_all(self, why: str) -> None:
        """End every child now; what they were running goes back, uncounted."""
        for child in self.children:
            self._kill(child, why)

    def forget_everything(self) -> None:
        """The lease was lost: all that is held here runs elsewhere now. End what runs, settle nothing."""
        self.backlog.take_all()
        self.loop_backlog.take_all()
        for child in self.children:
            child.permits.recall()
            if child.in_flight or child.on_loop:
                child.in_flight.clear()
                child.on_loop.clear()
                self._kill(child, "its claims were lost")
