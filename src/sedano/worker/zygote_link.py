"""The parent's side of the zygote: start it, ask it for children, hear of their ends.

Owned by the parent's loop.
"""

import os
import signal
import socket
import subprocess
import sys

import msgspec

from sedano.errors import ApplicationNotFound, ConfigurationError, SedanoError
from sedano.worker import zygote_words as words
from sedano.worker.channel import BufferedChannel
from sedano.worker.child_link import ChildLink
from sedano.worker.herald_link import HeraldLink
from sedano.worker.options import NodeOptions
from sedano.worker.plan import NodePlan
from sedano.worker.zygote_words import Broken, FromZygote, Ready


class ApplicationBroken(SedanoError):
    """The application's own code raised while it was imported. ``traceback`` is its text."""

    def __init__(self, message: str, traceback: str) -> None:
        self.traceback = traceback
        super().__init__(message)


class ZygoteLink:
    """One zygote. A node has one; while it reloads, two."""

    def __init__(self, options: NodeOptions) -> None:
        ours, theirs = socket.socketpair()
        # A fresh interpreter rather than a fork of ours: a reload happens when this process has threads.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sedano.cli.zygote", str(theirs.fileno()), str(os.getpid())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        self.channel = BufferedChannel(ours)
        #: The names of the signals for which there should be a herald; known when it is ready.
        self.awaited: frozenset[str] = frozenset()
        self.channel.send(msgspec.json.encode(options))

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_until_ready(self) -> NodePlan:
        """Block until the application is imported.

        Raises:
            ApplicationNotFound, ConfigurationError: as the zygote met them.
            ApplicationBroken: the application's code raised.
        """
        connection = self.channel.connection
        connection.setblocking(True)
        try:
            while True:
                for said in self.read():
                    if isinstance(said, Ready):
                        return said.plan
                    if isinstance(said, Broken):
                        raise error_of(said)
                if self.channel.closed:
                    code = self._process.wait()
                    raise ConfigurationError(
                        f"The process that imports the application ended with exit code {code}: something in "
                        "the application ends the process when it is imported."
                    )
        finally:
            connection.setblocking(False)

    def fork(self, child: ChildLink) -> None:
        """Ask for a child. ``Forked`` will tell its pid."""
        self.channel.send_with_descriptors(
            words.encode(words.Fork(child.number, child.post)), child.descriptors_for_child()
        )
        child.forget_childs_ends()

    def fork_herald(self, herald: HeraldLink) -> None:
        """Ask for a herald. ``HeraldForked`` will tell its pid."""
        self.channel.send_with_descriptors(
            words.encode(words.ForkHerald(herald.number)), [herald.descriptor_for_herald()]
        )
        herald.forget_heralds_end()

    def fork_scheduler(self, descriptor: int) -> None:
        """Ask for a scheduler. ``SchedulerForked`` will tell its pid."""
        self.channel.send_with_descriptors(words.encode(words.ForkScheduler()), [descriptor])

    def kill(self, pid: int, number: int) -> None:
        """Send a signal to a child, or a herald, if it still lives."""
        self.channel.send(words.encode(words.Kill(pid, number)))

    def read(self) -> list[FromZygote]:
        """What the zygote has said since the last call."""
        said = [words.decode_from_zygote(message) for message in self.channel.receive()]
        for word in said:
            if isinstance(word, Ready):
                self.awaited = frozenset(word.awaited)
        return said

    def stop(self) -> None:
        """End the zygote; its remaining children end with it. Idempotent."""
        self.channel.close()
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()


def error_of(broken: Broken) -> SedanoError:
    """The zygote's error as one of this process."""
    if broken.kind == "ApplicationNotFound":
        return ApplicationNotFound(broken.message)
    if broken.kind in {"ConfigurationError", "UnknownSetting", "NotSupported"}:
        return ConfigurationError(broken.message)
    return ApplicationBroken(f"{broken.kind}: {broken.message}", broken.traceback)
