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

from sedano import signals
from sedano.execution.host import Host
from sedano.worker import zygote_words as words
from sedano.worker.channel import Channel
from sedano.worker.child import Child
from sedano.worker.plan import NodePlan
from sedano.worker.process import die_with_parent

logger = logging.getLogger("sedano.worker")


class Zygote:
    """Forks on request, reaps, and reports. One thread."""

    def __init__(self, channel: Channel, app: Host, plan: NodePlan) -> None:
        self._channel = channel
        self._app = app
        self._plan = plan
        self._children: set[int] = set()

    def run(self) -> None:
        """Serve the parent until it is gone."""
        wake_reader, wake_writer = os.pipe()
        os.set_blocking(wake_reader, False)
        os.set_blocking(wake_writer, False)
        signal.set_wakeup_fd(wake_writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        self._settle_down()
        self._channel.send(words.encode(words.Ready(self._plan)))
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
        if threading.active_count() > 1:
            names = ", ".join(
                sorted(t.name for t in threading.enumerate() if t is not threading.main_thread())
            )
            logger.warning(
                "Importing the application started threads (%s); they do not exist in the children. "
                "Start them in a worker_process_init handler instead.",
                names,
            )
        # What is alive now stays alive: out of the collector's sight it also stays shared with the children.
        gc.collect()
        gc.freeze()

    def _obey(self) -> bool:
        message, descriptors = self._channel.receive_with_descriptors(3)
        if message is None:
            return False
        match words.decode_to_zygote(message):
            case words.Fork(number=number):
                self._fork(number, descriptors)
            case words.Kill(pid=pid, signal=number):
                if pid in self._children:
                    os.kill(pid, number)
        return True

    def _fork(self, number: int, descriptors: list[int]) -> None:
        signals.worker_before_create_process.send(sender=self)
        zygote = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become_child(zygote, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        self._children.add(pid)
        self._channel.send(words.encode(words.Forked(number, pid)))

    def _become_child(self, zygote: int, descriptors: list[int]) -> None:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._channel.close()
            random.seed()
            frames, permits, asyncs = descriptors
            connection = socket.socket(fileno=frames)
            die_with_parent(zygote, life=None if sys.platform == "linux" else os.dup(asyncs))
            child = Child(self._app, self._plan, Channel(connection), permits, socket.socket(fileno=asyncs))
            child.run()
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
