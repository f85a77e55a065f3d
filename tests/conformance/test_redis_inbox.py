"""What a blocked node was given and has not taken is neither lost nor mistaken for something else."""

from collections.abc import Iterator

import pytest

from sedano.brokers.redis.broker import RedisBroker
from sedano.errors import BrokerUnavailable
from sedano.redis.redis_url import RedisLocation
from sedano.testing.broker_cases.fixtures import begin_lease, drain
from sedano.testing.messages import publication
from tests.servers.redis_server import RedisServer


@pytest.fixture
def broker(server: RedisServer) -> Iterator[RedisBroker]:
    broker = RedisBroker(RedisLocation.from_url(server.url))
    yield broker
    broker.close()


def test_what_was_there_when_connections_were_cut_comes_before_what_is_given_next(
    server: RedisServer, broker: RedisBroker
) -> None:
    lease = begin_lease(broker)
    assert not lease.wait(["celery"], 0.01)
    broker.publish([publication("a")])
    assert lease.wait(["celery"], 10)
    assert server.client.llen(f"sedano:{{celery}}:inbox:{lease.incarnation}") == 1

    server.client.client_kill_filter(_type="normal", skipme=True)
    server.client.client_kill_filter(_type="pubsub")
    with pytest.raises(BrokerUnavailable):
        lease.wait(["celery"], 10)
    assert not lease.wait(["mail"], 0.01)
    broker.publish([publication("b")])
    assert lease.wait(["celery"], 10)

    assert drain(lease) == ["a", "b"]


def test_what_was_given_is_ready_again_when_its_node_rests(broker: RedisBroker) -> None:
    lease = begin_lease(broker)
    assert not lease.wait(["celery"], 0.01)
    broker.publish([publication("a")])
    assert lease.wait(["celery"], 10)

    lease.rest()

    assert drain(begin_lease(broker, "w2@host")) == ["a"]
