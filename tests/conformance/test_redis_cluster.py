"""The Redis broker keeps its port's promises in a Redis Cluster, and goes where slots go."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from sedano.brokers.broker import Broker
from sedano.brokers.redis.broker import RedisBroker
from sedano.brokers.settlement import Bury, Finish, Record, Requeue
from sedano.clock import Clock
from sedano.errors import BrokerUnavailable, ConfigurationError, NotSupported
from sedano.redis.cluster_link import slot_of
from sedano.redis.redis_url import RedisLocation
from sedano.testing.broker_cases.fixtures import begin_lease, drain, ids_of
from sedano.testing.broker_conformance import BrokerConformance
from sedano.testing.messages import publication
from tests.servers.certificates import make_certificates
from tests.servers.redis_groups import (
    NEVER,
    begin_to_move,
    end_moving,
    private_cluster,
    private_redis,
    tls_port_of,
    wait_until,
)
from tests.servers.redis_server import RedisServer


@pytest.fixture
def location(nodes: list[RedisServer]) -> RedisLocation:
    return RedisLocation.from_url(f"redis+cluster://127.0.0.1:{nodes[1].port}")


@pytest.fixture
def cluster_broker(location: RedisLocation) -> Iterator[RedisBroker]:
    broker = RedisBroker(location)
    yield broker
    broker.close()


class TestRedisBrokerInCluster(BrokerConformance):
    @pytest.fixture
    def open_broker(self, location: RedisLocation) -> Callable[[Clock], Broker]:
        return lambda clock: RedisBroker(location, clock=clock)


#: Of these each server of three has some.
QUEUES = [f"queue {number}" for number in range(12)]


def test_queues_of_all_servers_are_served_at_once(
    nodes: list[RedisServer], cluster_broker: RedisBroker
) -> None:
    cluster_broker.publish([publication(queue, queue=queue) for queue in QUEUES for _ in range(5)])
    assert all(node.client.dbsize() for node in nodes)
    lease = begin_lease(cluster_broker)

    assert lease.wait(QUEUES, NEVER)
    some = ids_of(lease.claim(QUEUES, 12))

    assert sorted(some) == sorted(QUEUES)
    assert sorted([*some, *drain(lease, QUEUES)]) == sorted(QUEUES * 5)


def test_the_urgent_come_first_wherever_they_lie(cluster_broker: RedisBroker) -> None:
    cluster_broker.publish(
        [publication(f"{priority}", queue=q, priority=priority) for q in QUEUES for priority in (9, 0, 6)]
    )

    drained = drain(begin_lease(cluster_broker), QUEUES)

    assert drained == ["0"] * 12 + ["6"] * 12 + ["9"] * 12


def test_follow_ups_at_other_servers_are_published_when_the_claim_stands(
    cluster_broker: RedisBroker,
) -> None:
    cluster_broker.publish([publication("a"), publication("b")])
    lease = begin_lease(cluster_broker)
    first, second = lease.claim(["celery"], 2).deliveries
    follow_ups = tuple(publication(queue, queue=queue) for queue in ("celery", *QUEUES))
    again = (publication("again", queue=QUEUES[0]),)

    settlements = [Finish(first.tag, None, follow_ups), Finish(first.tag, None, again)]
    assert lease.claim([], 0, settlements).lost == [first.tag]
    assert lease.claim([], 0, settlements).lost == [first.tag, first.tag]
    assert lease.claim([], 0, [Bury(second.tag, "broken", follow_ups=again), Record(None, None, again)])

    assert sorted(drain(lease, ["celery", *QUEUES])) == sorted(["again", "again", "celery", *QUEUES])
    assert cluster_broker.admin.queues() == []


def test_follow_ups_of_a_node_that_was_taken_for_dead_are_not_published(
    cluster_broker: RedisBroker,
) -> None:
    cluster_broker.publish([publication("a")])
    frozen = cluster_broker.lease("w1@host", duration=timedelta(seconds=0), results=None)
    (delivery,) = frozen.claim(["celery"], 1).deliveries
    heir = begin_lease(cluster_broker, "w2@host")
    assert heir.recover_dead() == 1

    finish = Finish(delivery.tag, None, tuple(publication(queue=queue) for queue in QUEUES))
    assert frozen.claim([], 0, [finish]).lost == [delivery.tag]

    assert drain(heir, ["celery", *QUEUES]) == ["a"]


def test_any_of_the_named_servers_is_enough(nodes: list[RedisServer]) -> None:
    url = f"redis+cluster://127.0.0.1:1;127.0.0.1:2;127.0.0.1:{nodes[2].port}"
    broker = RedisBroker(RedisLocation.from_url(url))

    broker.publish([publication(queue, queue=queue) for queue in QUEUES])

    assert sorted(drain(begin_lease(broker), QUEUES)) == sorted(QUEUES)
    broker.close()


def test_a_queue_whose_name_has_braces_is_refused(cluster_broker: RedisBroker) -> None:
    with pytest.raises(NotSupported, match="braces"):
        begin_lease(cluster_broker).claim(["{a}b"], 1)


# -- what the cluster is not


def test_a_server_of_a_cluster_is_not_a_server_by_itself(nodes: list[RedisServer]) -> None:
    broker = RedisBroker(RedisLocation.from_url(nodes[1].url))

    with pytest.raises(ConfigurationError, match=r"redis\+cluster://"):
        broker.publish([publication(queue, queue=queue) for queue in QUEUES])

    broker.close()


def test_a_server_by_itself_is_not_a_cluster(tmp_path: Path) -> None:
    with private_redis(tmp_path) as server:
        broker = RedisBroker(RedisLocation.from_url(f"redis+cluster://127.0.0.1:{server.port}"))

        with pytest.raises(ConfigurationError, match="no Redis Cluster"):
            broker.publish([publication()])

        broker.close()


def test_a_cluster_has_one_database() -> None:
    with pytest.raises(ConfigurationError, match="database"):
        RedisLocation.from_url("redis+cluster://127.0.0.1/1")


def test_a_cluster_may_speak_tls(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path / "certificates")
    with private_cluster(tmp_path, certificates=certificates) as nodes:
        url = f"redis+cluster://127.0.0.1:{tls_port_of(nodes[0])}?ssl_ca_certs={certificates.authority}"
        broker = RedisBroker(RedisLocation.from_url(url))
        broker.publish([publication(queue, queue=queue) for queue in QUEUES])
        lease = begin_lease(broker)

        assert lease.wait(QUEUES, NEVER)
        assert sorted(drain(lease, QUEUES)) == sorted(QUEUES)

        broker.close()


# -- servers that do not answer


@pytest.mark.parametrize("count", [1, 3])
def test_frozen_servers_are_unavailable_within_the_deadline(
    nodes: list[RedisServer], cluster_broker: RedisBroker, count: int
) -> None:
    one_of_each_server = {slot_of(queue) * 3 // 16384: queue for queue in QUEUES}.values()
    cluster_broker.publish([publication(queue, queue=queue) for queue in one_of_each_server])
    for node in nodes[:count]:
        node.freeze()

    took: list[float] = []
    for queue in one_of_each_server:
        began = time.monotonic()
        with contextlib.suppress(BrokerUnavailable):
            cluster_broker.publish([publication(queue, queue=queue)])
        took.append(time.monotonic() - began)

    for node in nodes[:count]:
        node.thaw()
    assert max(took) < 15  # the deadline is 2 s
    cluster_broker.publish([publication("after")])


# -- slots that move


@dataclass(frozen=True)
class Move:
    """The slot of the queue ``celery``, which is to go from one server to another."""

    slot: int
    source: RedisServer
    target: RedisServer
    others: Sequence[RedisServer]

    def begin(self) -> None:
        begin_to_move(self.slot, self.source, self.target)

    def end(self) -> None:
        end_moving(self.slot, self.source, self.target, self.others)


@pytest.fixture
def move(nodes: list[RedisServer]) -> Iterator[Move]:
    """Undone afterwards."""
    slot = slot_of("celery")
    source = nodes[slot * 3 // 16384]
    target, other = (node for node in nodes if node is not source)
    yield Move(slot, source, target, [other])
    for node in nodes:
        node.client.flushall()
    begin_to_move(slot, target, source)
    end_moving(slot, target, source, [other])


def test_messages_claims_and_leases_move_with_their_slot(move: Move, cluster_broker: RedisBroker) -> None:
    cluster_broker.publish([publication(name) for name in "abcd"])
    lease = begin_lease(cluster_broker)
    first, second = lease.claim(["celery"], 2).deliveries

    move.begin()
    move.end()

    claimed = lease.claim(["celery"], 1, [Finish(first.tag), Requeue(second.tag)])
    assert (ids_of(claimed), claimed.lost) == (["b"], [])
    cluster_broker.publish([publication("e")])
    assert drain(lease) == ["c", "d", "e"]
    assert move.target.client.exists("sedano:{celery}:holders")


def test_a_node_that_sleeps_follows_its_queue(move: Move, cluster_broker: RedisBroker) -> None:
    lease = begin_lease(cluster_broker)
    woken: list[bool] = []
    thread = threading.Thread(target=lambda: woken.append(lease.wait(["celery"], NEVER)))
    thread.start()
    wait_until(lambda: is_blocked_on(move.source))

    move.begin()
    move.end()
    wait_until(lambda: is_blocked_on(move.target))
    began = time.monotonic()
    cluster_broker.publish([publication("a")])
    thread.join()

    assert woken == [True]
    assert time.monotonic() - began < NEVER / 4
    assert drain(lease) == ["a"]


def test_while_a_slot_is_moving_messages_are_taken_in_and_kept(
    move: Move, cluster_broker: RedisBroker
) -> None:
    cluster_broker.publish([publication("before")])
    lease = begin_lease(cluster_broker)
    (before,) = lease.claim(["celery"], 1).deliveries

    move.begin()
    cluster_broker.publish([publication("meanwhile")])
    with pytest.raises(BrokerUnavailable):
        lease.claim(["celery"], 1, [Finish(before.tag)])
    move.end()

    claimed = lease.claim(["celery"], 10, [Finish(before.tag)])
    assert (ids_of(claimed), claimed.lost) == (["meanwhile"], [])
    assert drain(begin_lease(cluster_broker)) == []


def is_blocked_on(node: RedisServer) -> bool:
    """Whether somebody sleeps there."""
    return any(client["cmd"] == "blmove" for client in node.client.client_list())
