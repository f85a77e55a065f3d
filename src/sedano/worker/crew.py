"""What the children of a node do: placing, recalling, limiting, burying.

Owned by the node (``worker.node``), which tells it what was read and what time it is, one thread at a time.
Never talks to a broker: settlements go to the node.
"""

import itertools
import operator
import signal
from collections.abc import Callable, Mapping
from typing import Final

from sedano.brokers.settlement import Settlement
from sedano.execution.job import Job
from sedano.execution.slot_kind import PREFORK, SIDE_KINDS, SlotKind
from sedano.worker import appetite, time_limits
from sedano.worker.backlog import Backlog
from sedano.worker.child_link import ChildLink, Stage
from sedano.worker.endings import Endings
from sedano.worker.frames import FromChild, Hello, Report
from sedano.worker.pace import ENDLESS, Pace
from sedano.worker.plan import NodePlan
from sedano.worker.posts import places
from sedano.worker.roster import Roster

#: A child gets this much expected work at once: enough that frames cost nothing, little enough that a
#: recall is rare. Seconds.
FRAME_WORK: Final = 0.005
#: Beyond this the saving is nil (measured: 64 a frame 110,000/s, 32 a frame 92,000/s).
LARGEST_FRAME: Final = 64
#: Bytes of arguments in one frame, beyond its first job.
LARGEST_FRAME_SIZE: Final = 256 * 1024
#: A frame that shows no progress for so long has met a long task: the rest of it is recalled. Seconds.
RECALL_AFTER: Final = appetite.STUCK_AFTER
#: A job that has waited here for so long goes back to the broker, where a free node may be. Seconds.
GIVE_BACK_AFTER: Final = 0.100


_SLOT_OF: Final = operator.attrgetter("slot")


class Crew:
    """All children of one node at work, and the jobs that wait for them."""

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
        self.roster = Roster(plan.posts, watch=watch, unwatch=unwatch)
        #: The jobs that wait for slots of each kind.
        self.backlogs: Mapping[SlotKind, Backlog] = {kind: Backlog() for kind in (PREFORK, *SIDE_KINDS)}
        self.backlog = self.backlogs[PREFORK]
        self._endings = endings
        self._settle = settle
        self._draining = False

    @property
    def children(self) -> list[ChildLink]:
        return self.roster.children

    # -- placing

    def place(self, now: float) -> None:
        """Give waiting jobs to children that may have them."""
        for kind in SIDE_KINDS:
            if self.backlogs[kind]:
                self._place_beside(kind, now)
        while self.backlog and (child := self._child_for(self.backlog.first)) is not None:
            child.give(self._next_frame(child), now)
            self._replace_if_done(child)

    def _replace_if_done(self, child: ChildLink) -> None:
        if not self._has_tasks_left(child):
            self.roster.replace(child)

    def _place_beside(self, kind: SlotKind, now: float) -> None:
        """Spread jobs over the children that have slots of this kind."""
        backlog = self.backlogs[kind]
        sides = [child.sides[kind] for child in self.children if kind in child.sides]
        # A child that is leaving still runs some: its successor has to wait for that room.
        free = places(self.roster.posts, kind) - sum(len(side.running) for side in sides)
        while backlog and free > 0 and (child := self._child_with_room(kind)) is not None:
            side = child.sides[kind]
            most = min(free, side.most - len(side.running), LARGEST_FRAME, -(-len(backlog) // len(sides)))
            limit = self.plan.max_tasks_per_child
            if limit is not None:
                most = min(most, limit - child.taken)
            jobs = [backlog.take()]
            size = len(jobs[0].delivery.envelope.body)
            while len(jobs) < most and backlog:
                size += len(backlog.first.delivery.envelope.body)
                if size > LARGEST_FRAME_SIZE:
                    break
                jobs.append(backlog.take())
            free -= len(jobs)
            side.give(jobs, now)
            self._replace_if_done(child)

    def rouse(self) -> None:
        """Have the child that gets the next job awake when it comes."""
        if not self.backlog:
            for child in self.children:
                if child.stage is Stage.WORKING and child.post.synchronous and not child.in_flight:
                    child.rouse()
                    return

    def take_in(self, jobs: list[Job], now: float) -> None:
        """Newly claimed jobs."""
        for kind, of_kind in itertools.groupby(jobs, key=_SLOT_OF):
            self.backlogs[kind].add(of_kind, now)

    def _put_back(self, jobs: list[Job], now: float) -> None:
        """To the front of their backlogs, in their order."""
        for kind, backlog in self.backlogs.items():
            backlog.put_back([job for job in jobs if job.slot == kind], now)

    def _child_with_room(self, kind: SlotKind) -> ChildLink | None:
        fitting = [
            child
            for child in self.children
            if child.stage is Stage.WORKING
            and (side := child.sides.get(kind)) is not None
            and len(side.running) < side.most
            and self._has_tasks_left(child)
        ]
        # A busy synchronous slot competes with the others for the interpreter.
        return min(fitting, key=lambda c: (len(c.sides[kind].running), len(c.in_flight)), default=None)

    def _child_for(self, job: Job) -> ChildLink | None:
        short = self._expected(job) < ENDLESS
        best: ChildLink | None = None
        for child in self.children:
            if child.stage is not Stage.WORKING or not child.post.synchronous:
                continue
            if not self._has_tasks_left(child):
                continue
            if not child.in_flight:
                return child
            # A second frame on its way keeps the child busy while its first report travels.
            if short and child.work_in_flight < (best.work_in_flight if best is not None else FRAME_WORK):
                best = child
        return best

    def _has_tasks_left(self, child: ChildLink) -> bool:
        limit = self.plan.max_tasks_per_child
        return limit is None or child.taken < limit

    def _next_frame(self, child: ChildLink) -> list[tuple[Job, float]]:
        idle = sum(c.stage is Stage.WORKING and c.post.synchronous and not c.in_flight for c in self.children)
        most = min(LARGEST_FRAME, -(-len(self.backlog) // max(1, idle)))
        limit = self.plan.max_tasks_per_child
        if limit is not None:
            most = min(most, limit - child.taken)
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

    def wanted(self, now: float) -> dict[SlotKind, int]:
        """How many more jobs the slots of each kind could use now, or soon."""
        if self._draining:
            return {}
        wanted: dict[SlotKind, int] = {
            PREFORK: appetite.for_slots(self.children, waiting=len(self.backlog), pace=self.pace, now=now)
        }
        for kind in SIDE_KINDS:
            if most := places(self.roster.posts, kind):
                waiting = len(self.backlogs[kind])
                wanted[kind] = appetite.for_side(self.children, kind, waiting=waiting, places=most)
        return wanted

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
                self.roster.replace(child)
        self._let_go_if_idle(child)

    def hear_side(self, child: ChildLink, kind: SlotKind, said: list[FromChild]) -> None:
        """The child's threads, or its event loop, have spoken."""
        for word in said:
            if isinstance(word, Report):
                self._book(child, word, lambda tag: child.finished_beside(kind, tag), paced=False)
                if word.outgrown:
                    self.roster.replace(child)
        self._let_go_if_idle(child)

    def _book(
        self, child: ChildLink, report: Report, finished: Callable[[int], Job | None], *, paced: bool = True
    ) -> int:
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
                if paced and job.ending is None:
                    note(job.delivery.task, executed.runtime)
                settlements.append(executed.settlement)
        if settlements:
            self._settle(settlements)
        return ended

    def _let_go_if_idle(self, child: ChildLink) -> None:
        if child.stage is Stage.RETIRING and child.idle:
            child.let_go()

    def _welcome(self, child: ChildLink) -> None:
        predecessor = self.roster.welcome(child)
        if predecessor is not None:
            self._retire(predecessor)

    def _retire(self, child: ChildLink) -> None:
        if child.stage in {Stage.WORKING, Stage.STARTING}:
            self.backlog.put_back(child.retire(), child.busy_since)
            self._let_go_if_idle(child)

    def bury(self, child: ChildLink, returncode: int, max_rss: int, now: float) -> None:
        """A child is gone: settle what it was doing, hand on what it had not begun."""
        self.hear(child, child.read(), now)
        for kind, side in child.sides.items():
            self.hear_side(child, kind, side.read())
        left = child.wreckage()
        self.roster.strike_off(child, returncode, now)
        settlements, to_tell = self._endings.of_dead_child(child, left, returncode, max_rss)
        self._settle(settlements)
        self._put_back(to_tell + left.unstarted, now)

    # -- watching the time

    def tick(self, now: float) -> float | None:
        """Enforce limits, recall, give back. Returns when to look again (monotonic); None: no need to."""
        deadlines: list[float] = []
        for child in self.children:
            if child.stage is Stage.STARTING:
                deadlines.append(self.roster.end_if_stuck(child, now))
            deadlines += self._enforce_limits(child, now)
            if len(child.in_flight) > 1:
                due = child.busy_since + RECALL_AFTER
                if now >= due:
                    self.backlog.put_back(child.recall(), child.busy_since)
                    # Asked again only if there was nothing to recall: one job of the frame had just begun.
                    due = now + RECALL_AFTER
                deadlines.append(due)
        for backlog in self.backlogs.values():
            if backlog:
                if backlog.older_than(now - GIVE_BACK_AFTER):
                    jobs = backlog.take_all()
                    stay = self._endings.must_stay if not self._draining else lambda _: False
                    self._settle([self._endings.unstarted(job) for job in jobs if not stay(job)])
                    backlog.put_back([job for job in jobs if stay(job)], now)
                else:
                    deadlines.append(now + GIVE_BACK_AFTER)
        return min(deadlines, default=None)

    def _enforce_limits(self, child: ChildLink, now: float) -> list[float]:
        verdict = time_limits.judge(child, now)
        if verdict.soft_limit_passed and child.running is not None:
            child.soft_limit_sent = child.running.delivery.tag
            self.roster.signal(child, signal.SIGUSR1)
        if verdict.kill_for is not None:
            child.killed_tag = verdict.culprit
            self.roster.kill(child, verdict.kill_for)
        return verdict.deadlines

    # -- leaving

    def running_tags(self) -> frozenset[int]:
        """The messages that children are running right now."""
        tags = {child.running.delivery.tag for child in self.children if child.running is not None}
        for child in self.children:
            for side in child.sides.values():
                tags.update(side.running)
        return frozenset(tags)

    def drain(self) -> None:
        """Start nothing more: what has not begun goes back to the broker, idle children leave."""
        self._draining = self.roster.closed = True
        for child in self.children:
            self._retire(child)
        for backlog in self.backlogs.values():
            self._settle([self._endings.unstarted(job) for job in backlog.take_all()])

    def kill_all(self, why: str) -> None:
        """End every child now; what they were running goes back, uncounted."""
        for child in self.children:
            self.roster.kill(child, why)

    def forget_everything(self) -> None:
        """The lease was lost: all that is held here runs elsewhere now. End what runs, settle nothing."""
        for backlog in self.backlogs.values():
            backlog.take_all()
        for child in self.children:
            child.permits.recall()
            if not child.idle:
                child.in_flight.clear()
                for side in child.sides.values():
                    side.forget()
                self.roster.kill(child, "its claims were lost")
