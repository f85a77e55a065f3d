"""A private Redis for one figure: started on a free port without persistence, and gone afterwards."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError

from benchmarks.contender import Contender

#: Seconds until a server has to answer.
STARTING_TIME: Final = 20.0

#: Counts something that a contender has left in the server.
Count = Callable[["Redis"], int]


class RedisServer:
    """The server, seen from outside. How a contender's messages and results are counted is handed in."""

    def __init__(self, port: int, unsettled: Mapping[str, Count], results: Mapping[str, Count]) -> None:
        self.port = port
        self.url = self.results_url = f"redis://127.0.0.1:{port}/0"
        self._client: Any = Redis(port=port, socket_timeout=30)
        self._unsettled = unsettled
        self._results = results

    def unsettled(self, contender: Contender) -> int:
        """How many messages are waiting or held."""
        return self._unsettled[contender.name](self._client)

    def results(self, contender: Contender) -> int:
        """How many results are stored."""
        return self._results[contender.name](self._client)

    def count_commands(self) -> int:
        """How many commands the server has run, those within scripts among them; ours do not count."""
        ran = self._client.info("commandstats")
        return sum(stats["calls"] for name, stats in ran.items() if not name.startswith("cmdstat_info"))

    def count_sent(self, seconds: float) -> int:
        """Listen for so long, and count the commands that clients send; those within scripts do not count."""
        heard = b""
        with socket.create_connection(("127.0.0.1", self.port)) as listener:
            listener.sendall(b"MONITOR\r\n")
            deadline = time.monotonic() + seconds
            while (left := deadline - time.monotonic()) > 0:
                listener.settimeout(left)
                with suppress(TimeoutError):
                    heard += listener.recv(65536)
        # After "+OK": +1339518083.107412 [0 127.0.0.1:60866] "keys" "*", and [0 lua] where a script asked.
        return sum(b"] " in line and b" lua] " not in line for line in heard.split(b"\r\n"))

    @property
    def pid(self) -> int:
        """Its process."""
        return int(self._client.info("server")["process_id"])

    def processor_seconds(self) -> float:
        """What the server has used so far."""
        used = self._client.info("cpu")
        return float(used["used_cpu_user"] + used["used_cpu_sys"])

    def count_connections(self) -> int:
        """How many connections are open besides ours."""
        return len(self._client.client_list()) - 1

    def answers(self) -> bool:
        """Whether it is there."""
        with suppress(RedisError):
            return bool(self._client.ping())
        return False

    def close(self) -> None:
        """Close the connection that looks in."""
        self._client.close()


def redis_of(server: object) -> RedisServer:
    """The server of a measure that makes sense on Redis only."""
    if not isinstance(server, RedisServer):
        raise TypeError("this is measured on Redis only")
    return server


@contextmanager
def private_redis(
    folder: Path, unsettled: Mapping[str, Count], results: Mapping[str, Count]
) -> Iterator[RedisServer]:
    """Start a server, with its log in the folder, and end it."""
    port = _free_port()
    command = [_program(), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    with (folder / "redis.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    server = RedisServer(port, unsettled, results)
    try:
        deadline = time.monotonic() + STARTING_TIME
        while not server.answers():
            if time.monotonic() > deadline or process.poll() is not None:
                raise RuntimeError(f"redis-server did not start:\n{(folder / 'redis.log').read_text()}")
            time.sleep(0.01)
        yield server
    finally:
        server.close()
        process.kill()
        process.wait()


def _program() -> str:
    path = shutil.which("redis-server") or shutil.which("valkey-server")
    if path is None:
        raise SystemExit("There is no redis-server here; `make servers` (as root) brings it.")
    return path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
