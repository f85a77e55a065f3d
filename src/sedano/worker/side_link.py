"""The parent's side of slots that begin each job as it comes: a child's threads, or its event loop.

Owned by the parent's loop. Decides nothing: ``worker.crew`` does.
"""

import socket

from sedano.execution.job import Job
from sedano.execution.slot_kind import SlotKind
from sedano.worker import frames
from sedano.worker.channel import BufferedChannel
from sedano.worker.frames import FromChild


class SideLink:
    """The slots of one kind in one child. Jobs given to them cannot be recalled."""

    def __init__(self, kind: SlotKind, most: int) -> None:
        self.kind = kind
        #: How many jobs it has room for at a time.
        self.most = most
        ours, self.childs_end = socket.socketpair()
        self.channel = BufferedChannel(ours)
        #: Jobs by tag, with the moment each was handed over (monotonic).
        self.running: dict[int, tuple[Job, float]] = {}
        #: Those of them that have a hard time limit.
        self.limited: dict[int, tuple[Job, float]] = {}

    def give(self, jobs: list[Job], now: float) -> None:
        """Hand jobs to the child, which starts them at once."""
        for job in jobs:
            self.running[job.delivery.tag] = (job, now)
            if job.time_limit is not None:
                self.limited[job.delivery.tag] = (job, now)
        self.channel.send(frames.encode(frames.Frame(0, jobs)))

    def read(self) -> list[FromChild]:
        """What the child has said of them since the last call."""
        return [frames.decode_from_child(message) for message in self.channel.receive()]

    def finished(self, tag: int) -> Job | None:
        """The end of this job is reported; None if it is no longer held here."""
        self.limited.pop(tag, None)
        handed = self.running.pop(tag, None)
        return None if handed is None else handed[0]

    def forget(self) -> list[Job]:
        """Empty it; returns what was running."""
        jobs = [job for job, _ in self.running.values()]
        self.running.clear()
        self.limited.clear()
        return jobs

    def close(self) -> None:
        """Close both ends. Idempotent."""
        self.channel.close()
        self.childs_end.close()
