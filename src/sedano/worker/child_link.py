"""The parent's side of one child: what it was given, what it has reported, what can be taken back.

Owned by the parent's loop. Decides nothing: ``worker.crew`` does.
"""

import enum
import socket
from collections import deque
from typing import NamedTuple

from sedano.execution.job import Job
from sedano.execution.slot_kind import SlotKind
from sedano.worker import frames
from sedano.worker.channel import BufferedChannel
from sedano.worker.frames import FromChild
from sedano.worker.permits import PermitPipe
from sedano.worker.posts import Post
from sedano.worker.side_link import SideLink


class Stage(enum.Enum):
    """How far a child is in its life."""

    STARTING = "starting"  # forked, or about to be; has not said hello
    WORKING = "working"
    RETIRING = "retiring"  # gets no more jobs; leaves when it has done the running one
    DEAD = "dead"


class Wreckage(NamedTuple):
    """What a dead child leaves."""

    #: The job it was running, if it died in one, and every task in its threads and on its loop: who of them
    #: killed it cannot be told.
    suspects: list[Job]
    #: Jobs it never started.
    unstarted: list[Job]
    #: Jobs it had finished, or was finishing, without a report: they run again, uncounted.
    unreported: list[Job]


class ChildLink:
    """One child process, seen from the parent."""

    def __init__(self, number: int, post: Post, now: float) -> None:
        self.number = number
        self.post = post
        #: When it was asked for (monotonic seconds).
        self.forked_at = now
        self.pid: int | None = None
        self.stage = Stage.STARTING
        self.permits = PermitPipe()
        ours, self.childs_end = socket.socketpair()
        self.channel = BufferedChannel(ours)
        #: Its slots beside the main thread.
        self.sides: dict[SlotKind, SideLink] = {
            kind: SideLink(kind, post.places(kind)) for kind in post.side_kinds
        }
        #: Jobs of the synchronous slot, in the order they are done, each with its expected seconds; the first
        #: one is running.
        self.in_flight: deque[tuple[Job, float]] = deque()
        #: Expected seconds of all of them.
        self.work_in_flight = 0.0
        #: Since when the first of ``in_flight`` may have been running (monotonic seconds).
        self.busy_since = 0.0
        #: Jobs done in all, for ``max_tasks_per_child``.
        self.done = 0
        #: When the soft limit of the running job was announced: the tag of that job.
        self.soft_limit_sent: int | None = None
        #: Why the parent killed it, if it did: becomes the reason of the running job's failure.
        self.killed_for: Exception | str | None = None
        #: The task it was killed for, if for one.
        self.killed_tag: int | None = None
        self._frame_number = 0

    def descriptors_for_child(self) -> list[int]:
        """What the child needs: its end of the channel, of the permits, of the channel of each side."""
        sides = [side.childs_end.fileno() for side in self.sides.values()]
        return [self.childs_end.fileno(), self.permits.reader, *sides]

    def forget_childs_ends(self) -> None:
        """Close what now belongs to the child, so that its death shows as an end of file."""
        self.childs_end.close()
        for side in self.sides.values():
            side.childs_end.close()

    @property
    def channels(self) -> list[BufferedChannel]:
        return [self.channel, *(side.channel for side in self.sides.values())]

    @property
    def running(self) -> Job | None:
        """The job that the synchronous slot is busy with, as far as the parent knows."""
        return self.in_flight[0][0] if self.in_flight else None

    def give(self, flight: list[tuple[Job, float]], now: float) -> None:
        """Send one frame of jobs, each with its expected seconds, and a permit for each."""
        if not self.in_flight:
            self.busy_since = now
        self.in_flight.extend(flight)
        self.work_in_flight += sum(expected for _, expected in flight)
        number = self._frame_number
        self._frame_number = (number + 1) & 0xFF
        self.channel.send(frames.encode(frames.Frame(number, [job for job, _ in flight])))
        self.permits.grant(number, len(flight))

    def rouse(self) -> None:
        """Say that a frame will come in a moment."""
        self.channel.send(frames.HEADS_UP)

    def read(self) -> list[FromChild]:
        """What the child's synchronous side has said since the last call."""
        return [frames.decode_from_child(message) for message in self.channel.receive()]

    def holds(self, tag: int) -> bool:
        """Whether the child is to do this job, and has not reported its end."""
        beside = any(tag in side.running for side in self.sides.values())
        return beside or any(job.delivery.tag == tag for job, _ in self.in_flight)

    def finished(self, tag: int) -> Job | None:
        """The synchronous slot reports the end of this job; None if the child no longer holds it."""
        # Reports keep the order of the jobs.
        if not self.in_flight or self.in_flight[0][0].delivery.tag != tag:
            return None
        job, expected = self.in_flight.popleft()
        # Set to zero rather than subtracted to it: endless minus endless is no number.
        self.work_in_flight = self.work_in_flight - expected if self.in_flight else 0.0
        self.done += 1
        return job

    def finished_beside(self, kind: SlotKind, tag: int) -> Job | None:
        """A slot of a side reports the end of this job; None if the child no longer holds it."""
        job = self.sides[kind].finished(tag)
        self.done += job is not None
        return job

    @property
    def taken(self) -> int:
        """Jobs that it has done, or is to do."""
        return self.done + len(self.in_flight) + sum(len(side.running) for side in self.sides.values())

    def recall(self) -> list[Job]:
        """Take back the jobs not yet started, in their order."""
        count = min(self.permits.recall(), len(self.in_flight))
        recalled: list[Job] = []
        for _ in range(count):
            job, expected = self.in_flight.pop()
            self.work_in_flight -= expected
            recalled.append(job)
        if not self.in_flight:
            self.work_in_flight = 0.0
        recalled.reverse()
        return recalled

    def wreckage(self) -> Wreckage:
        """What is left after its death; its last reports must have been read before. Empties the link."""
        unstarted = self.recall()
        started = [job for job, _ in self.in_flight]
        self.in_flight.clear()
        # The permits say how many jobs were started, in order: only the last of those can have been running.
        suspects = [started.pop()] if started else []
        for side in self.sides.values():
            suspects += side.forget()
        return Wreckage(suspects, unstarted, started)

    def retire(self) -> list[Job]:
        """No more jobs: returns those not yet started. The child leaves when its running jobs are done."""
        self.stage = Stage.RETIRING
        return self.recall()

    def let_go(self) -> None:
        """The child is idle: it sees the end of its permits, and exits."""
        self.permits.close_writer()

    @property
    def idle(self) -> bool:
        return not self.in_flight and not any(side.running for side in self.sides.values())

    def close(self) -> None:
        """Close every descriptor of this child. Idempotent."""
        self.stage = Stage.DEAD
        self.permits.close()
        self.channel.close()
        self.childs_end.close()
        for side in self.sides.values():
            side.close()
