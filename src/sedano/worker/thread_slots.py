"""The thread slots of a child: many functions at once, each in a thread of its own.

Runs beside the child's main thread, with a channel of its own. Its jobs need no permits: each starts as it
arrives, because the parent sends no more than there are threads.
"""

import queue
import select
import socket
import threading
from typing import Final

from sedano.execution.executor import Executor
from sedano.execution.host import Host
from sedano.execution.job import Job
from sedano.execution.thread_limits import ThreadLimits
from sedano.worker import frames
from sedano.worker.channel import Channel
from sedano.worker.outbox import Outbox
from sedano.worker.plan import NodePlan
from sedano.worker.process import has_outgrown

#: Threads are made as they are needed, and kept.
NAME: Final = "sedano-slot"


class ThreadSlots:
    """The threads of one child. One more thread hands the jobs out, and watches the time limits."""

    def __init__(self, app: Host, plan: NodePlan, connection: socket.socket) -> None:
        self._plan = plan
        self._channel = Channel(connection)
        self._limits = ThreadLimits()
        self._outbox = Outbox(self._channel)
        self._executor = Executor(app, node=plan.name, report=self._outbox.send_now, limits=self._limits)
        self._waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
        #: How many threads have nothing to do, less the jobs that wait for them.
        self._idle = threading.Semaphore(0)
        self._made = 0

    def start(self) -> None:
        """Begin to serve the parent."""
        threading.Thread(target=self._serve, name="sedano-threads", daemon=True).start()

    def _serve(self) -> None:
        poll = select.poll()
        for readable in (self._channel, self._limits):
            poll.register(readable, select.POLLIN)
        while True:
            pause = self._limits.raise_overdue()
            # One millisecond more: poll takes whole ones, and must not come too early again and again.
            ready = poll.poll(None if pause is None else pause * 1000 + 1)
            if any(descriptor == self._channel.fileno() for descriptor, _ in ready):
                message = self._channel.receive()
                if message is None:
                    return
                for job in frames.decode_frame(message).jobs:
                    self._hand_out(job)

    def _hand_out(self, job: Job) -> None:
        if not self._idle.acquire(blocking=False):
            self._made += 1
            threading.Thread(target=self._work, name=f"{NAME}-{self._made}", daemon=True).start()
        self._waiting.put(job)

    def _work(self) -> None:
        while True:
            executed = self._executor.execute(self._waiting.get())
            if has_outgrown(self._plan.max_memory_per_child):
                self._outbox.mark_outgrown()
            # Before the report: the parent answers it with the next job.
            self._idle.release()
            try:
                self._outbox.send_now(executed)
            except OSError:
                return  # the parent is gone, and this process will be
