"""What the Redis broker does when its server is gone, stuck, full, or not what it was."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sedano.brokers.lease import Claimed
from sedano.brokers.redis.broker import RedisBroker
from sedano.brokers.settlement import Finish, Requeue
from sedano.errors import BrokerError, BrokerUnavailable, ConfigurationError
from sedano.redis.redis_url import RedisLocation
from sedano.testing.broker_cases.fixtures import begin_lease, drain, ids_of
from sedano.testing.messages import publication
from tests.servers.redis_server import RedisServer

#: Within this a publication has failed for good: 2 s is the default of ``broker_publish_timeout``, with room
#: for a busy machine. Seconds.
DEADLINE = 8.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path, "--appendonly", "yes", "--appendfsync", "always")
    yield server
    server.stop()


@pytest.fixture
def broker(server: RedisServer) -> Iterator[RedisBroker]:
    broker = RedisBroker(RedisLocation.from_url(server.url))
    yield broker
    broker.close()


def _seconds_until_unavailable(broker: RedisBroker) -> float:
    began = time.monotonic()
    with pytest.raises(BrokerUnavailable):
        broker.publish([publication()])
    return time.monotonic() - began


class TestPublishing:
    def test_a_server_that_refuses_is_unavailable(self, server: RedisServer, broker: RedisBroker) -> None:
        server.kill()

        assert _seconds_until_unavailable(broker) < DEADLINE

    def test_a_frozen_server_is_unavailable_within_the_deadline(
        self, server: RedisServer, broker: RedisBroker
    ) -> None:
        broker.publish([publication()])
        server.freeze()

        assert _seconds_until_unavailable(broker) < DEADLINE
        server.thaw()

    def test_a_frozen_server_keeps_no_thread_longer_than_the_deadline(
        self, server: RedisServer, broker: RedisBroker
    ) -> None:
        server.freeze()
        took: list[float] = []
        threads = [
            threading.Thread(target=lambda: took.append(_seconds_until_unavailable(broker)))
            for _ in range(50)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        server.thaw()

        assert len(took) == 50
        assert max(took) < DEADLINE

    def test_publishing_goes_on_when_the_server_is_back(
        self, server: RedisServer, broker: RedisBroker
    ) -> None:
        broker.publish([publication("a")])
        server.kill()
        _seconds_until_unavailable(broker)

        server.start()
        broker.publish([publication("b")])

        assert drain(begin_lease(broker)) == ["a", "b"]

    def test_a_connection_that_was_cut_while_idle_is_not_noticed(
        self, server: RedisServer, broker: RedisBroker
    ) -> None:
        broker.publish([publication("a")])
        server.client.client_kill_filter(_type="normal", skipme=True)

        broker.publish([publication("b")])

        assert drain(begin_lease(broker)) == ["a", "b"]

    def test_a_replica_takes_nothing(self, server: RedisServer, broker: RedisBroker) -> None:
        broker.publish([publication("a")])
        server.client.execute_command("REPLICAOF", "127.0.0.1", "1")

        with pytest.raises(BrokerUnavailable, match="READONLY"):
            broker.publish([publication("b")])

        server.client.execute_command("REPLICAOF", "NO", "ONE")
        broker.publish([publication("c")])
        assert drain(begin_lease(broker)) == ["a", "c"]

    @pytest.mark.parametrize("count", [1, 3])
    def test_a_full_server_takes_nothing(self, server: RedisServer, broker: RedisBroker, count: int) -> None:
        server.client.config_set("maxmemory", "1")

        with pytest.raises(BrokerUnavailable, match="OOM"):
            broker.publish([publication() for _ in range(count)])

        server.client.config_set("maxmemory", "0")
        assert broker.admin.depth("celery").ready == 0

    def test_a_wrong_password_is_the_users_to_change(self, server: RedisServer) -> None:
        server.client.config_set("requirepass", "secret")
        broker = RedisBroker(RedisLocation.from_url(server.url.replace("://", "://:wrong@")))

        with pytest.raises(ConfigurationError) as caught:
            broker.publish([publication()])

        assert "wrong@" not in str(caught.value)
        server.client.execute_command("AUTH", "secret")


class TestLeases:
    def test_scripts_that_were_forgotten_are_sent_again(
        self, server: RedisServer, broker: RedisBroker
    ) -> None:
        broker.publish([publication("a"), publication("b")])
        lease = begin_lease(broker)
        (first,) = lease.claim(["celery"], 1).deliveries
        server.client.script_flush()

        claimed = lease.claim(["celery"], 1, [Finish(first.tag)])

        assert ids_of(claimed) == ["b"]
        assert claimed.lost == []

    def test_a_full_server_still_takes_settlements(self, server: RedisServer, broker: RedisBroker) -> None:
        broker.publish([publication("a"), publication("b")])
        lease = begin_lease(broker)
        first, second = lease.claim(["celery"], 2).deliveries
        server.client.config_set("maxmemory", "1")

        assert not any(lease.claim([], 0, [Finish(first.tag)]))
        with pytest.raises(BrokerUnavailable, match="OOM"):
            lease.claim([], 0, [Requeue(second.tag)])

        server.client.config_set("maxmemory", "0")
        assert not any(lease.claim([], 0, [Requeue(second.tag)]))
        assert drain(lease) == ["b"]

    def test_nothing_is_lost_when_memory_runs_out_while_claiming(
        self, server: RedisServer, broker: RedisBroker
    ) -> None:
        broker.publish([publication(name) for name in "abc"])
        lease = begin_lease(broker)
        lease.claim(["celery"], 0)
        server.client.config_set("maxmemory", "1")

        with pytest.raises(BrokerUnavailable):
            lease.claim(["celery"], 10)

        server.client.config_set("maxmemory", "0")
        assert drain(lease) == ["a", "b", "c"]

    def test_what_was_claimed_by_a_call_without_an_answer_is_given_back(
        self, server: RedisServer, broker: RedisBroker
    ) -> None:
        broker.publish([publication(name) for name in "abc"])
        lease = begin_lease(broker)
        (first,) = lease.claim(["celery"], 1).deliveries
        server.freeze()
        with pytest.raises(BrokerUnavailable):
            lease.claim(["celery"], 10)
        server.thaw()

        claimed = lease.claim(["celery"], 10, [Finish(first.tag)])

        assert ids_of(claimed) == ["b", "c"]
        assert claimed.lost == []

    def test_settlements_are_taken_when_the_server_is_back(
        self, server: RedisServer, broker: RedisBroker
    ) -> None:
        broker.publish([publication("a"), publication("b")])
        lease = begin_lease(broker)
        (first,) = lease.claim(["celery"], 1).deliveries
        server.kill()
        with pytest.raises(BrokerUnavailable):
            lease.claim(["celery"], 1, [Finish(first.tag)])

        server.start()

        claimed = _patiently(lambda: lease.claim(["celery"], 1, [Finish(first.tag)]))
        assert ids_of(claimed) == ["b"]
        assert claimed.lost == []

    def test_a_wait_ends_with_an_error_when_its_connections_are_cut(
        self, server: RedisServer, broker: RedisBroker
    ) -> None:
        lease = begin_lease(broker)
        errors: list[BrokerError] = []

        def wait() -> None:
            try:
                lease.wait(["celery"], 30)
            except BrokerError as error:
                errors.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        _until(lambda: any(client["cmd"] == "blmove" for client in server.client.client_list()))
        server.client.client_kill_filter(_type="normal", skipme=True)
        thread.join(10)

        assert [type(error) for error in errors] == [BrokerUnavailable]
        broker.publish([publication("a")])
        assert lease.wait(["celery"], 10)
        assert drain(lease) == ["a"]

    def test_an_empty_server_tells_a_lease_that_it_is_lost(
        self, server: RedisServer, broker: RedisBroker
    ) -> None:
        lease = begin_lease(broker)
        lease.claim(["celery"], 1)
        server.client.flushall()
        broker.publish([publication("a")])

        assert not any(lease.claim(["celery"], 1))
        with pytest.raises(BrokerError):
            lease.renew([])
        assert drain(begin_lease(broker)) == ["a"]

    def test_what_kombu_cannot_have_written_is_a_dead_letter(
        self, server: RedisServer, broker: RedisBroker
    ) -> None:
        for rubbish in (b"rubbish", b"{}", b"[1]", b"\xff\xfe", b'{"body": 1, "properties": {}}'):
            server.client.lpush("celery", rubbish)
        broker.publish([publication("a")])

        assert drain(begin_lease(broker)) == ["a"]

        letters = broker.admin.dead_letters()
        assert len(letters) == 5
        assert all("MalformedMessage" in letter.reason for letter in letters)

    def test_what_a_dead_node_was_given_while_it_was_blocked_is_taken_over(self, server: RedisServer) -> None:
        broker = RedisBroker(RedisLocation.from_url(server.url))
        dead = broker.lease("w1@host", duration=timedelta(seconds=0))
        dead.wait(["celery"], 0)
        broker.publish([publication("a")])
        server.client.lmove("celery", f"sedano:{{celery}}:inbox:{dead.incarnation}", "RIGHT", "LEFT")
        heir = begin_lease(broker)
        assert broker.admin.depth("celery").ready == 1

        heir.recover_dead()

        assert drain(heir) == ["a"]
        broker.close()


def _patiently(claim: Callable[[], Claimed]) -> Claimed:
    """What a node does when the broker is unavailable."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return claim()
        except BrokerUnavailable:
            if time.monotonic() > deadline:
                raise


def _until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail("This did not happen.")
