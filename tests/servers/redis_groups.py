"""Private Redis servers that belong together: a cluster, a master with its replica, sentinels.

Used by tests of what talks to them.
"""

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import redis

from tests.servers.certificates import Certificates
from tests.servers.free_ports import free_ports
from tests.servers.redis_server import RedisServer, needs_redis

#: Far longer than anything here takes.
NEVER = 20.0


@contextlib.contextmanager
def private_redis(folder: Path, *arguments: str) -> Iterator[RedisServer]:
    """One server that keeps nothing on disk, unless the arguments say so."""
    folder.mkdir(exist_ok=True, parents=True)
    server = RedisServer(folder, "--repl-diskless-sync-delay", "0", *arguments)
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def private_cluster(
    folder: Path, *arguments: str, replicas: int = 0, certificates: Certificates | None = None
) -> Iterator[list[RedisServer]]:
    """Three servers that share the slots; behind them in the list replicas of the first one.

    Args:
        certificates: They speak TLS with each other, and on ports of its own with others.
    """
    with contextlib.ExitStack() as stack:
        nodes: list[RedisServer] = []
        for number in range(3 + replicas):
            own = ["--cluster-enabled", "yes", "--cluster-port", str(free_ports(1)[0])]
            if certificates is not None:
                own += ["--tls-cluster", "yes", "--tls-port", str(free_ports(1)[0]), *certificates.for_redis]
            nodes.append(stack.enter_context(private_redis(folder / str(number), *own, *arguments)))
        first = nodes[0]
        buses = [node.client.config_get("cluster-port")["cluster-port"] for node in nodes]
        for number, node in enumerate(nodes):
            if number < 3:
                low, high = 16384 * number // 3, 16384 * (number + 1) // 3 - 1
                node.client.execute_command("CLUSTER ADDSLOTSRANGE", low, high)
                node.client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
            if node is not first:
                port = first.port if certificates is None else tls_port_of(first)
                node.client.execute_command("CLUSTER MEET", "127.0.0.1", port, buses[0])
        wait_until(lambda: all(_is_whole(node, len(nodes)) for node in nodes))
        for node in nodes[3:]:
            node.client.execute_command("CLUSTER REPLICATE", id_in_cluster(first))
            wait_until(lambda node=node: node.client.info("replication").get("master_link_status") == "up")
        yield nodes


def _is_whole(node: RedisServer, count: int) -> bool:
    state = node.client.execute_command("CLUSTER INFO")
    return state["cluster_state"] == "ok" and state["cluster_known_nodes"] == str(count)


def tls_port_of(node: RedisServer) -> int:
    """Where a server speaks TLS."""
    return int(node.client.config_get("tls-port")["tls-port"])


def id_in_cluster(node: RedisServer) -> str:
    """What the other servers of its cluster call it."""
    name = node.client.execute_command("CLUSTER MYID")
    return name.decode() if isinstance(name, bytes) else str(name)


def begin_to_move(slot: int, source: RedisServer, target: RedisServer) -> None:
    """From now on keys of this slot that are not at the source are the target's."""
    target.client.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", id_in_cluster(source))
    source.client.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", id_in_cluster(target))


def end_moving(slot: int, source: RedisServer, target: RedisServer, others: Sequence[RedisServer]) -> None:
    """Move the slot's keys, and tell everybody whose it is."""
    while keys := source.client.execute_command("CLUSTER GETKEYSINSLOT", slot, 100):
        source.client.execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)
    for node in (target, source, *others):
        node.client.execute_command("CLUSTER SETSLOT", slot, "NODE", id_in_cluster(target))


@contextlib.contextmanager
def private_sentinels(folder: Path, master: RedisServer, count: int = 1) -> Iterator[str]:
    """Sentinels that watch a server, and its replicas, under the name ``shop``; their URL."""
    ports = free_ports(count)
    with contextlib.ExitStack() as stack:
        for port in ports:
            settings = folder / f"sentinel-{port}.conf"
            settings.write_text(
                f"port {port}\nbind 127.0.0.1\n"
                f"sentinel monitor shop 127.0.0.1 {master.port} {count // 2 + 1}\n"
                "sentinel down-after-milliseconds shop 500\n"
                "sentinel failover-timeout shop 3000\n"
            )
            command = [needs_redis(), str(settings), "--sentinel"]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            stack.callback(process.wait)
            stack.callback(process.kill)
        clients = [stack.enter_context(redis.Redis(port=port)) for port in ports]
        wait_until(lambda: all(map(_is_hasty, clients)))
        replicas = master.client.info("replication")["connected_slaves"]
        wait_until(lambda: all(_knows(client, replicas, count - 1) for client in clients))
        yield ";".join(f"sentinel://127.0.0.1:{port}/0" for port in ports)


def _is_hasty(client: redis.Redis) -> bool:
    """Have a sentinel ask and tell ten times as often as it would; whether it has answered."""
    try:
        client.execute_command("SENTINEL DEBUG", "info-period", 1000, "publish-period", 200)
    except redis.ResponseError:
        pass  # one older than 7 has its own time
    except redis.ConnectionError:
        return False
    return True


def _knows(client: redis.Redis, replicas: int, others: int) -> bool:
    try:
        state = client.sentinel_masters()["shop"]
    except (redis.RedisError, KeyError):
        return False
    return bool(state["num-slaves"] == replicas and state["num-other-sentinels"] == others)


@contextlib.contextmanager
def private_replica(folder: Path, master: RedisServer) -> Iterator[RedisServer]:
    """A server that follows another."""
    with private_redis(folder, "--replicaof", "127.0.0.1", str(master.port)) as replica:
        wait_until(lambda: replica.client.info("replication")["master_link_status"] == "up")
        yield replica


def wait_until_replicated(master: RedisServer, replica: RedisServer) -> None:
    """Until what was written so far is on the replica as well."""
    offset = master.client.info("replication")["master_repl_offset"]
    wait_until(lambda: replica.client.info("replication")["slave_repl_offset"] >= offset)


def wait_until_promoted(replica: RedisServer) -> None:
    """Until it is the master."""
    wait_until(lambda: replica.client.info("replication")["role"] == "master")


def wait_until(holds: Callable[[], bool]) -> None:
    """A probe, again and again."""
    deadline = time.monotonic() + NEVER
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)
