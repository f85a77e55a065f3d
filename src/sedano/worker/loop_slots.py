"""The coroutine slots of a child: one long-lived event loop in a thread, many tasks at once.

Runs beside the child's main thread, with a channel of its own, so that coroutine tasks start while a
synchronous task is running. Its jobs need no permits: each starts as it arrives.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from typing import Final

from sedano.execution.executed import Executed
from sedano.execution.executor import Executor
from sedano.execution.host import Host
from sedano.execution.job import Job
from sedano.worker import frames
from sedano.worker.plan import NodePlan
from sedano.worker.process import has_outgrown

#: As in ``worker.channel``.
_LENGTH: Final = struct.Struct("!I")


class LoopSlots:
    """The event loop of one child and the tasks on it. All fields belong to the loop's thread."""

    def __init__(self, app: Host, plan: NodePlan, connection: socket.socket) -> None:
        self._connection = connection
        self._max_memory = plan.max_memory_per_child
        self._executor = Executor(app, node=plan.name, report=self._report)
        self._loop = asyncio.new_event_loop()
        # The loop itself keeps only weak references to its tasks.
        self._running: set[asyncio.Task[None]] = set()
        self._gathered: list[Executed] = []
        self._writer: asyncio.StreamWriter | None = None

    def start(self) -> None:
        """Begin to serve the parent, in a thread of its own."""
        threading.Thread(target=self._serve, name="sedano-loop", daemon=True).start()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._take_jobs())

    async def _take_jobs(self) -> None:
        reader, self._writer = await asyncio.open_connection(sock=self._connection)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                (size,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
                for job in frames.decode_frame(await reader.readexactly(size)).jobs:
                    task = self._loop.create_task(self._execute(job))
                    self._running.add(task)
                    task.add_done_callback(self._running.discard)

    async def _execute(self, job: Job) -> None:
        if job.ending is None:
            self._report(await self._executor.execute_async(job))
        else:
            # Its handlers are plain functions.
            self._report(await asyncio.to_thread(self._executor.execute, job))

    def _report(self, executed: Executed) -> None:
        # From any thread: a task may say how far it is from a thread that it started.
        self._loop.call_soon_threadsafe(self._gather, executed)

    def _gather(self, executed: Executed) -> None:
        if not self._gathered:
            # What ends in the same turn of the loop is reported together.
            self._loop.call_soon(self._flush)
        self._gathered.append(executed)

    def _flush(self) -> None:
        gathered, self._gathered = self._gathered, []
        message = frames.encode(frames.Report(gathered, has_outgrown(self._max_memory)))
        if self._writer is not None:
            self._writer.write(_LENGTH.pack(len(message)) + message)
