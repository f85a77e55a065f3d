"""A cluster and a sentinel of private Redis servers, for tests of what talks to them."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import redis

from tests.servers.redis_server import RedisServer, needs_redis

#: Far longer than anything here takes.
NEVER = 20.0


@contextlib.contextmanager
def private_redis(folder: Path, *arguments: str) -> Iterator[RedisServer]:
    """One server that keeps nothing on disk."""
    folder.mkdir(exist_ok=True)
    server = RedisServer(folder, "--appendonly", "no", *arguments)
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def private_cluster(folder: Path) -> Iterator[list[RedisServer]]:
    """Three nodes that share the slots."""
    with contextlib.ExitStack() as stack:
        bus = ("--cluster-enabled", "yes", "--cluster-port")
        nodes = [
            stack.enter_context(private_redis(folder / str(number), *bus, str(_free_port())))
            for number in range(3)
        ]
        first = nodes[0]
        buses = [node.client.config_get("cluster-port")["cluster-port"] for node in nodes]
        for number, node in enumerate(nodes):
            low, high = 16384 * number // 3, 16384 * (number + 1) // 3 - 1
            node.client.execute_command("CLUSTER ADDSLOTSRANGE", low, high)
            node.client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
            if node is not first:
                node.client.execute_command("CLUSTER MEET", "127.0.0.1", first.port, buses[0])
        wait_until(lambda: all(_is_whole(node) for node in nodes))
        yield nodes


def _is_whole(node: RedisServer) -> bool:
    state = node.client.execute_command("CLUSTER INFO")
    return state["cluster_state"] == "ok" and state["cluster_known_nodes"] == "3"


@contextlib.contextmanager
def private_sentinel(folder: Path, master: RedisServer) -> Iterator[str]:
    """A sentinel that watches a server under the name ``shop``; its URL."""
    port = _free_port()
    settings = folder / "sentinel.conf"
    settings.write_text(f"port {port}\nsentinel monitor shop 127.0.0.1 {master.port} 1\n")
    process = subprocess.Popen([needs_redis(), str(settings), "--sentinel"], stdout=subprocess.DEVNULL)
    try:
        with redis.Redis(port=port) as client:
            wait_until(lambda: _knows_master(client))
        yield f"sentinel://127.0.0.1:{port}/0"
    finally:
        process.kill()
        process.wait()


def _knows_master(client: redis.Redis) -> bool:
    try:
        return bool(client.sentinel_get_master_addr_by_name("shop"))
    except redis.ConnectionError:
        return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def wait_until(holds: Callable[[], bool]) -> None:
    """A probe, again and again."""
    deadline = time.monotonic() + NEVER
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)
