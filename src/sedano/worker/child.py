"""The process that runs the user's functions: takes permitted jobs, executes them, reports.

Forked by the zygote. Its main thread is the synchronous slot; beside it there may be threads
(``worker.thread_slots``) and an event loop (``worker.loop_slots``). Never talks to a broker to claim or to
settle.
"""

import logging
import os
import select
import signal
import socket
from collections import deque
from collections.abc import Mapping
from time import perf_counter
from typing import Final

from sedano import signals
from sedano.execution.executed import Executed
from sedano.execution.executor import Executor
from sedano.execution.host import Host
from sedano.execution.job import Job
from sedano.execution.slot_kind import THREADS, SlotKind
from sedano.execution.soft_limit import SoftLimit
from sedano.worker import frames
from sedano.worker.channel import Channel
from sedano.worker.frames import Frame, Hello
from sedano.worker.loop_slots import LoopSlots
from sedano.worker.outbox import Outbox
from sedano.worker.permits import PermitReader
from sedano.worker.plan import NodePlan
from sedano.worker.process import has_outgrown
from sedano.worker.thread_slots import ThreadSlots

logger = logging.getLogger("sedano.worker")

#: How long a child stays awake for a job that was announced. Seconds.
LONGEST_WATCH: Final = 0.0005


class Child:
    """One child, from hello to the end of its permits."""

    def __init__(
        self,
        app: Host,
        plan: NodePlan,
        channel: Channel,
        permits: int,
        sides: Mapping[SlotKind, socket.socket],
    ) -> None:
        self._app = app
        self._plan = plan
        self._channel = channel
        self._permits = PermitReader(permits)
        self._poll = select.poll()
        for readable in (self._permits, channel):
            self._poll.register(readable, select.POLLIN)
        self._last: Job | None = None
        #: Frames that came before their permits.
        self._frames: deque[Frame] = deque()
        self._outbox = Outbox(channel)
        self._soft_limit = SoftLimit()
        self._executor = Executor(app, node=plan.name, report=self._outbox.send_now, limits=self._soft_limit)
        self._sides = [
            (ThreadSlots if kind == THREADS else LoopSlots)(app, plan, connection)
            for kind, connection in sides.items()
        ]

    def run(self) -> None:
        """Work until the parent closes the permit pipe, or is gone."""
        signal.signal(signal.SIGUSR1, self._soft_limit.on_signal)
        signals.worker_process_init.send(sender=self._plan.name)
        for side in self._sides:
            side.start()
        try:
            self._channel.send(frames.encode(Hello(os.getpid())))
            self._work()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            pass
        finally:
            signals.worker_process_shutdown.send(sender=self._plan.name, pid=os.getpid(), exitcode=0)

    def _work(self) -> None:
        frame, position = Frame(-1, []), 0
        take, add, flush_after = self._permits.take, self._outbox.add, self._outbox.end_frame
        while True:
            number = take()
            if number is None:
                # Nothing permitted: the frame is done, or what was left of it has been recalled.
                flush_after()
                number = self._wait()
            if number != frame.number or position == len(frame.jobs):
                flush_after()
                frame, position = self._next_frame(number), 0
                self._outbox.start_frame(len(frame.jobs))
            add(self._execute(frame.jobs[position]))
            position += 1
            if position == len(frame.jobs):
                flush_after()

    def _next_frame(self, number: int) -> Frame:
        while True:
            if not self._frames:
                self._read()
                continue
            frame = self._frames.popleft()
            # A frame of another number was recalled before its first job began.
            if frame.number == number:
                return frame

    def _wait(self) -> int:
        """Sleep until a job is permitted; the number of its frame."""
        permit = self._permits.take()
        while permit is None:
            news = [descriptor for descriptor, _ in self._poll.poll()]
            warned = self._channel.fileno() in news and self._read() == frames.HEADS_UP
            permit = self._watch() if warned else self._permits.take()
        return permit

    def _watch(self) -> int | None:
        """Stay awake for a moment: to be woken takes longer than all else that this process does for it."""
        if self._last is not None:
            self._executor.rehearse(self._last)
        deadline = perf_counter() + LONGEST_WATCH
        while (permit := self._permits.take()) is None and perf_counter() < deadline:
            pass
        return permit

    def _read(self) -> bytes:
        """Take what the parent sends next: a frame is kept until its first job is permitted."""
        message = self._channel.receive()
        if message is None:
            raise EOFError
        if message != frames.HEADS_UP:
            self._frames.append(frames.decode_frame(message))
        return message

    def _execute(self, job: Job) -> Executed:
        self._last = job
        executed = self._executor.execute(job)
        if has_outgrown(self._plan.max_memory_per_child):
            self._outbox.mark_outgrown()
        return executed
