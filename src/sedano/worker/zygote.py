"""The process that has imported the application, and forks the children.

Run by ``cli.zygote``. Stays single-threaded, so that forking it is safe; never runs a task, never talks to a
broker. Children share its memory copy-on-write.
"""

import contextlib
import gc
import logging
import os
import random
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from functools import partial

from sedano import signals
from sedano.execution.host import Host
from sedano.execution.slot_kind import SIDE_KINDS
from sedano.tasks.worker_view import worker_of
from sedano.worker import start_signals, worker_signals
from sedano.worker import zygote_words as words
from sedano.worker.channel import Channel
from sedano.worker.child import Child
from sedano.worker.herald import Herald
from sedano.worker.plan import NodePlan
from sedano.worker.posts import Post
from sedano.worker.process import die_with_parent
from sedano.worker.scheduler_process import SchedulerLoop, run_beside_node

logger = logging.getLogger("sedano.worker")


class Zygote:
    """Forks on request, reaps, and reports. One thread.

    Args:
        make_scheduler: Makes the scheduler of a node that is to have one.
    """

    def __init__(
        self, channel: Channel, app: Host, plan: NodePlan, make_scheduler: Callable[[], SchedulerLoop]
    ) -> None:
        self._channel = channel
        self._app = app
        self._plan = plan
        self._make_scheduler = make_scheduler
        self._worker = worker_of(app, plan.name)
        #: Heralds and schedulers among them.
        self._children: set[int] = set()
        self._known_threads: set[str] = set()

    def run(self) -> None:
        """Serve the parent until it is gone."""
        wake_reader, wake_writer = os.pipe()
        os.set_blocking(wake_reader, False)
        os.set_blocking(wake_writer, False)
        signal.set_wakeup_fd(wake_writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        self._settle_down()
        self._channel.send(words.encode(words.Ready(self._plan, worker_signals.awaited())))
        sources = [self._channel.connection.fileno(), wake_reader]
        while True:
            readable, _, _ = select.select(sources, [], [])
            if wake_reader in readable:
                with contextlib.suppress(BlockingIOError):
                    os.read(wake_reader, 4096)
                self._reap()
            if sources[0] in readable and not self._obey():
                break
        self._end_children()

    def _settle_down(self) -> None:
        self._warn_of_threads()
        # What is alive now stays alive: out of the collector's sight it also stays shared with the children.
        gc.collect()
        gc.freeze()

    def _warn_of_threads(self) -> None:
        for thread in threading.enumerate():
            if thread is threading.main_thread() or thread.name in self._known_threads:
                continue
            self._known_threads.add(thread.name)
            logger.warning(
                "The thread %r was started by %s, in the process that the others are forked from. It does "
                "not exist in them, and a lock that it holds at that moment stays locked there. Start it in "
                "a worker_process_init receiver (each process that runs tasks) or a worker_ready receiver "
                "(one process for the worker).",
                thread.name,
                start_signals.culprit(thread),
            )

    def _obey(self) -> bool:
        message, descriptors = self._channel.receive_with_descriptors(2 + len(SIDE_KINDS))
        if message is None:
            return False
        match words.decode_to_zygote(message):
            case words.Fork(number=number, post=post):
                pid = self._fork(partial(self._be_child, post), descriptors)
                self._channel.send(words.encode(words.Forked(number, pid)))
            case words.ForkHerald(number=number):
                pid = self._fork(self._be_herald, descriptors)
                self._channel.send(words.encode(words.HeraldForked(number, pid)))
            case words.ForkScheduler():
                pid = self._fork(self._be_scheduler, descriptors)
                self._channel.send(words.encode(words.SchedulerForked(pid)))
            case words.Kill(pid=pid, signal=number):
                if pid in self._children:
                    os.kill(pid, number)
        return True

    def _fork(self, live: Callable[[int, list[int]], None], descriptors: list[int]) -> int:
        start_signals.send(signals.worker_before_create_process, self._worker, {})
        self._warn_of_threads()
        zygote = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._begin_life(live, zygote, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        self._children.add(pid)
        return pid

    def _begin_life(
        self, live: Callable[[int, list[int]], None], zygote: int, descriptors: list[int]
    ) -> None:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._channel.close()
            random.seed()
            live(zygote, descriptors)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(Exception):
                logging.shutdown()
                sys.stdout.flush()
                sys.stderr.flush()
            # Not sys.exit: the frames below belong to the zygote, and so do its atexit handlers.
            os._exit(status)

    def _be_child(self, post: Post, zygote: int, descriptors: list[int]) -> None:
        frames, permits, *others = descriptors
        connection = socket.socket(fileno=frames)
        die_with_parent(zygote, life=None if sys.platform == "linux" else os.dup(frames))
        sides = {
            kind: socket.socket(fileno=descriptor)
            for kind, descriptor in zip(post.side_kinds, others, strict=True)
        }
        Child(self._app, self._plan, Channel(connection), permits, sides).run()

    def _be_herald(self, zygote: int, descriptors: list[int]) -> None:
        (words_for_us,) = descriptors
        die_with_parent(zygote)
        Herald(self._worker, Channel(socket.socket(fileno=words_for_us))).run()

    def _be_scheduler(self, zygote: int, descriptors: list[int]) -> None:
        (life,) = descriptors
        die_with_parent(zygote)
        run_beside_node(self._make_scheduler(), Channel(socket.socket(fileno=life)))

    def _reap(self) -> None:
        while self._children:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            # Importing the application may have started processes of its own; those are not ours to report.
            if pid in self._children:
                self._children.discard(pid)
                peak = usage.ru_maxrss // 1024 if sys.platform == "darwin" else usage.ru_maxrss
                code = os.waitstatus_to_exitcode(status)
                self._channel.send(words.encode(words.Exited(pid, code, peak)))

    def _end_children(self) -> None:
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
