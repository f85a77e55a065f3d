"""When Sentinel makes the replica the master, publishing and leases go on there."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from sedano.brokers.redis.broker import RedisBroker
from sedano.brokers.settlement import Finish
from sedano.errors import BrokerUnavailable
from sedano.redis.redis_url import RedisLocation
from sedano.testing.broker_cases.fixtures import begin_lease, drain, ids_of
from sedano.testing.messages import publication
from tests.servers.redis_groups import (
    private_redis,
    private_replica,
    private_sentinels,
    wait_until,
    wait_until_promoted,
    wait_until_replicated,
)
from tests.servers.redis_server import RedisServer

T = TypeVar("T")

#: Within this everything works again after Sentinel has promoted. Seconds.
RESUMED = 5.0


@dataclass(frozen=True)
class Pair:
    """A master with its replica, watched by a sentinel; the first sentinel of the URL is gone."""

    master: RedisServer
    replica: RedisServer
    url: str

    def fail_over(self) -> None:
        """As an operator does it: both servers live."""
        port = RedisLocation.from_url(self.url, options={"master_name": "shop"}).sentinels[-1][1]
        with Redis(port=port) as sentinel:
            wait_until(lambda: _has_failed_over(sentinel))


def _has_failed_over(sentinel: "Redis[bytes]") -> bool:
    try:
        sentinel.execute_command("SENTINEL FAILOVER", "shop")
    except ResponseError:  # it has not seen yet that the replica is good
        return False
    return True


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with (
        private_redis(tmp_path / "master") as master,
        private_replica(tmp_path / "replica", master) as replica,
        private_sentinels(tmp_path, master) as url,
    ):
        yield Pair(master, replica, f"sentinel://127.0.0.1:1;{url}")


@pytest.fixture
def broker(pair: Pair) -> Iterator[RedisBroker]:
    broker = RedisBroker(RedisLocation.from_url(pair.url, options={"master_name": "shop"}))
    yield broker
    broker.close()


def patiently(action: Callable[[], T]) -> T:
    """What a node does when the broker is unavailable, and for as long as it may be."""
    deadline = time.monotonic() + RESUMED
    while True:
        try:
            return action()
        except BrokerUnavailable:
            if time.monotonic() > deadline:
                raise


def test_a_lease_goes_on_at_the_replica_when_the_master_has_died(pair: Pair, broker: RedisBroker) -> None:
    broker.publish([publication(name) for name in "abc"])
    lease = begin_lease(broker)
    (first,) = lease.claim(["celery"], 1).deliveries
    assert not lease.wait(["mail"], 0.01)  # blocked on the master, in an instant
    wait_until_replicated(pair.master, pair.replica)

    pair.master.kill()
    with pytest.raises(BrokerUnavailable):
        lease.renew([])
    wait_until_promoted(pair.replica)

    claimed = patiently(lambda: lease.claim(["celery"], 1, [Finish(first.tag)]))
    assert ids_of(claimed) == ["b"]
    assert claimed.lost == []
    lease.renew([])
    patiently(lambda: broker.publish([publication("d")]))
    assert patiently(lambda: lease.wait(["celery"], 10))
    assert drain(lease) == ["c", "d"]


def test_nobody_goes_on_writing_to_a_master_that_has_become_a_replica(
    pair: Pair, broker: RedisBroker
) -> None:
    broker.publish([publication("a")])
    lease = begin_lease(broker)
    assert lease.wait(["celery"], 10)  # the message is in the inbox
    wait_until_replicated(pair.master, pair.replica)

    pair.fail_over()
    wait_until(lambda: pair.master.client.info("replication")["role"] == "slave")

    patiently(lambda: broker.publish([publication("b")]))
    assert patiently(lambda: lease.wait(["celery"], 10))
    claimed: list[str] = []
    while len(claimed) < 2:
        claimed += ids_of(patiently(lambda: lease.claim(["celery"], 10)))
    assert claimed == ["a", "b"]
