"""A private Redis: started on a free port, in a folder of its own, and gone when the test is.

Used by tests that talk to a real server. Without ``redis-server`` on this machine they are skipped, with the
command that brings it; where ``CI`` is set they fail.
"""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from tests.servers.free_ports import free_ports
from tests.servers.server_process import ServerProcess


def needs_redis() -> str:
    """The path of redis-server."""
    path = shutil.which("redis-server") or shutil.which("valkey-server")
    if path is None:
        reason = "There is no redis-server here; `make servers` (as root) brings it."
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path


class RedisServer(ServerProcess):
    """One server. It can be frozen, killed, and started again with or without its data."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._path = needs_redis()
        self._folder = folder
        self._arguments = arguments
        (self.port,) = free_ports(1)
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = Redis(port=self.port, socket_timeout=5)
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [
            self._path,
            *("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder)),
            *("--save", "", "--loglevel", "warning", *self._arguments),
        ]
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self._wait_until_it_answers(self._process)

    def forget(self) -> None:
        """Delete what it has written, so that it starts empty. Only while it is not running."""
        for written in ("appendonlydir", "dump.rdb"):
            path = self._folder / written
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def stop(self) -> None:
        """End it for good."""
        self.kill()
        self.client.close()

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 20
        while not self._answers():
            if time.monotonic() > deadline or process.poll() is not None:
                pytest.fail(f"redis-server did not start: {(self._folder / 'redis.log').read_text()}")
            time.sleep(0.01)

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except RedisError:
            return False
