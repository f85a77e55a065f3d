"""A private RabbitMQ for one figure, and a Redis for the results: started on free ports, and gone afterwards.

Its data is in memory (``/dev/shm``) where that is a folder, so that a disk that others use as well does not
decide; messages and confirms are persistent nevertheless, and it works as hard. How many messages nobody has
acknowledged is not told over AMQP: a small Erlang program beside the server asks its queues.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

import psutil

from benchmarks.contender import Contender
from benchmarks.redis_server import Count, RedisServer, private_redis

#: Seconds until a server has to answer.
STARTING_TIME: Final = 60.0

#: Where Debian puts the scripts that run as anybody; those in the path want to be root or rabbitmq.
_DEBIAN: Final = "/usr/lib/rabbitmq/bin"
#: Nothing listens anywhere but here.
_LOCAL: Final = "-kernel inet_dist_use_interface {127,0,0,1}"
#: For each line that it reads, the messages of the queue, those that are held among them.
_LOOKER: Final = """
Queue = {{resource, <<"/">>, queue, <<"{queue}">>}},
Look = fun Look() ->
  case io:get_line("") of
    eof -> halt();
    _ ->
      Count = case rpc:call('{node}', rabbit_amqqueue, lookup, [Queue]) of
        {{ok, Found}} ->
          [{{messages, N}}] = rpc:call('{node}', rabbit_amqqueue, info, [Found, [messages]]), N;
        _ -> 0
      end,
      io:format("~b~n", [Count]),
      Look()
  end
end,
Look().
"""


class RabbitServer:
    """The server, seen from outside. Results are in a Redis beside it."""

    def __init__(
        self, port: int, process: psutil.Process, looker: "subprocess.Popen[str]", redis: RedisServer
    ):
        self.port = port
        self.url = f"amqp://guest:guest@127.0.0.1:{port}//"
        self.results_url = redis.url
        self._process = process
        self._looker = looker
        self._redis = redis

    def unsettled(self, contender: Contender) -> int:
        """How many messages are waiting or held."""
        assert self._looker.stdin is not None and self._looker.stdout is not None
        self._looker.stdin.write("\n")
        self._looker.stdin.flush()
        return int(self._looker.stdout.readline())

    def results(self, contender: Contender) -> int:
        """How many results are stored."""
        return self._redis.results(contender)

    def processor_seconds(self) -> float:
        """What the server has used so far, with that of the results."""
        used = self._process.cpu_times()
        return float(used.user + used.system) + self._redis.processor_seconds()


@contextmanager
def private_rabbitmq(folder: Path, queue: str, results: Mapping[str, Count]) -> Iterator[RabbitServer]:
    """Start a server with a Redis beside it, with their logs in the folder, and end them."""
    with ExitStack() as stack:
        redis = stack.enter_context(private_redis(folder, {}, results))
        memory = Path("/dev/shm")
        data = Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="sedano-bench-", dir=memory if memory.is_dir() else folder)
            )
        )
        port, distribution, epmd_port = _free_ports(3)
        node = f"bench{port}@localhost"
        environment = _environment(data, node, port, distribution, epmd_port)
        log = stack.enter_context((folder / "rabbitmq.log").open("ab"))
        # Started here: a server would start one that outlives it.
        epmd = ["epmd", "-port", str(epmd_port), "-address", "127.0.0.1"]
        stack.callback(_end, subprocess.Popen(epmd, env=environment, stdin=subprocess.DEVNULL))
        process = subprocess.Popen(
            [_program()],
            cwd=data,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        stack.callback(_end, process)
        deadline = time.monotonic() + STARTING_TIME
        while not speaks_amqp(port):
            if time.monotonic() > deadline or process.poll() is not None:
                raise RuntimeError(
                    f"rabbitmq-server did not start:\n{(folder / 'rabbitmq.log').read_text()[-4000:]}"
                )
            time.sleep(0.02)
        looker = subprocess.Popen(
            [
                *("erl", "-noshell", "-hidden", "-sname", f"look{port}@localhost"),
                *_LOCAL.split(maxsplit=2),
                *("-eval", _LOOKER.format(node=node, queue=queue)),
            ],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        stack.callback(_end, looker)
        yield RabbitServer(port, psutil.Process(process.pid), looker, redis)


def speaks_amqp(port: int) -> bool:
    """Whether a server at this port greets clients."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        connection.sendall(b"AMQP\x00\x00\x09\x01")
        # A method's frame on channel 0.
        return connection.recv(3) == b"\x01\x00\x00"
    return False


def _environment(data: Path, node: str, port: int, distribution: int, epmd_port: int) -> dict[str, str]:
    (data / "plugins").write_text("[].\n", encoding="ascii")
    (data / "rabbitmq.conf").write_text("loopback_users.guest = false\n", encoding="ascii")
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "LANG": "C.UTF-8",
        "HOME": str(data),  # of the cookie
        "ERL_EPMD_PORT": str(epmd_port),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": node,
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(distribution),
        "RABBITMQ_MNESIA_BASE": str(data),
        "RABBITMQ_LOG_BASE": str(data),
        "RABBITMQ_LOGS": str(data / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(data / "plugins"),
        "RABBITMQ_CONFIG_FILE": str(data / "rabbitmq"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"-noinput {_LOCAL}",
        # The script then becomes the server, instead of starting it.
        "RABBITMQ_ALLOW_INPUT": "1",
    }


def _end(process: "subprocess.Popen[str] | subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()


def _program() -> str:
    path = shutil.which("rabbitmq-server", path=os.pathsep.join([_DEBIAN, os.environ.get("PATH", "")]))
    if path is None:
        raise SystemExit("There is no rabbitmq-server here; `make servers` (as root) brings it.")
    return path


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
