"""A server of a Redis Cluster dies: its replica takes over, or it comes back, and nothing is lost."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from sedano.brokers.redis.broker import RedisBroker
from sedano.brokers.settlement import Finish
from sedano.errors import BrokerUnavailable
from sedano.redis.redis_url import RedisLocation
from sedano.testing.broker_cases.fixtures import begin_lease, drain, ids_of
from sedano.testing.messages import publication
from tests.servers.redis_groups import (
    private_cluster,
    wait_until,
    wait_until_promoted,
    wait_until_replicated,
)
from tests.servers.redis_server import RedisServer

T = TypeVar("T")

#: Within this everything works again when the cluster is whole. Seconds.
RESUMED = 5.0

#: Some at each server; the first of them has its slot at the first server, as the test checks.
QUEUES = ["celery", *(f"queue {number}" for number in range(12))]


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[list[RedisServer]]:
    arguments = ("--cluster-node-timeout", "1000", "--appendonly", "yes", "--appendfsync", "always")
    with private_cluster(tmp_path, *arguments, replicas=1) as nodes:
        yield nodes


@pytest.fixture
def broker(nodes: list[RedisServer]) -> Iterator[RedisBroker]:
    broker = RedisBroker(RedisLocation.from_url(f"redis+cluster://127.0.0.1:{nodes[0].port}"))
    yield broker
    broker.close()


def patiently(action: Callable[[], T], seconds: float = RESUMED) -> T:
    """What a node does when the broker is unavailable, and for as long as it may be."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return action()
        except BrokerUnavailable:
            if time.monotonic() > deadline:
                raise


def is_whole(node: RedisServer) -> bool:
    return bool(node.client.execute_command("CLUSTER INFO")["cluster_state"] == "ok")


def test_a_lease_goes_on_when_a_replica_has_taken_over(nodes: list[RedisServer], broker: RedisBroker) -> None:
    first, second, third, replica = nodes
    broker.publish([publication(queue, queue=queue) for queue in QUEUES])
    lease = begin_lease(broker)
    (before,) = lease.claim(["celery"], 1).deliveries
    assert first.client.exists(f"sedano:{{celery}}:held:{lease.incarnation}")
    assert not lease.wait(["mail"], 0.01)
    wait_until_replicated(first, replica)

    first.kill()
    with pytest.raises(BrokerUnavailable):
        lease.claim(["celery"], 1, [Finish(before.tag)])
    wait_until_promoted(replica)
    wait_until(lambda: all(is_whole(node) for node in (second, third, replica)))

    claimed = patiently(lambda: lease.claim(["celery"], 1, [Finish(before.tag)]))
    assert not any(claimed)
    patiently(lambda: broker.publish([publication("after")]))
    assert patiently(lambda: lease.wait(["celery"], 10))
    assert sorted(drain(lease, QUEUES)) == sorted(["after", *QUEUES[1:]])
    lease.renew([])


def test_a_lease_goes_on_when_a_server_is_back_with_its_data(
    nodes: list[RedisServer], broker: RedisBroker
) -> None:
    _, _, third, _ = nodes
    broker.publish([publication(queue, queue=queue) for queue in QUEUES])
    lease = begin_lease(broker)
    claimed = lease.claim(QUEUES, 6)
    assert third.client.dbsize()

    third.kill()
    finished = [Finish(delivery.tag) for delivery in claimed.deliveries]
    with pytest.raises(BrokerUnavailable):
        lease.claim(QUEUES, 20, finished)
    third.start()
    wait_until(lambda: all(is_whole(node) for node in nodes))

    rest = patiently(lambda: lease.claim(QUEUES, 20, finished))
    assert sorted(ids_of(claimed) + ids_of(rest)) == sorted(QUEUES)
    assert patiently(lambda: broker.admin.depth("celery")).claimed <= 1
