"""The process of a private server: frozen, thawed, killed, by whoever tests what others make of that.

What ``RedisServer`` and ``RabbitServer`` are. Never knows what the server speaks.
"""

import os
import signal
import subprocess


class ServerProcess:
    """Not started yet."""

    _process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        """Whether there is a process; it may be frozen."""
        return self._process is not None

    def freeze(self) -> None:
        """Keep it from doing anything, with its connections open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it as a power cut does."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def shut_down(self) -> None:
        """End it as an administrator does."""
        if self._process is not None:
            self._signal(signal.SIGTERM)
            self._process.wait(60)
            self._process = None

    def _signal(self, number: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)
