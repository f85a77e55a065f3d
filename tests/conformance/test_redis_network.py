"""What the Redis broker does when the network between it and its server is slow, silent, or gone."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from sedano.brokers.redis.broker import RedisBroker
from sedano.brokers.redis.lease import RedisLease
from sedano.brokers.settlement import Finish, Park, Requeue
from sedano.errors import BrokerError, BrokerUnavailable
from sedano.redis.redis_url import RedisLocation
from sedano.testing.broker_cases.fixtures import begin_lease, drain, ids_of
from sedano.testing.messages import publication
from tests.servers.redis_server import RedisServer
from tests.servers.tcp_proxy import TcpProxy

#: The default of ``broker_publish_timeout`` is 2 s; with room for a busy machine. Seconds.
DEADLINE = 8.0


@pytest.fixture
def network(server: RedisServer) -> Iterator[TcpProxy]:
    proxy = TcpProxy(server.port)
    yield proxy
    proxy.close()


@pytest.fixture
def broker(network: TcpProxy) -> Iterator[RedisBroker]:
    """A broker behind that network."""
    broker = RedisBroker(RedisLocation(host="127.0.0.1", port=network.port))
    yield broker
    broker.close()


@pytest.fixture
def near(server: RedisServer) -> Iterator[RedisBroker]:
    """Somebody else's broker, without that network."""
    broker = RedisBroker(RedisLocation.from_url(server.url))
    yield broker
    broker.close()


# -- publishing


@pytest.mark.parametrize("how", [TcpProxy.hold, TcpProxy.hold_answers])
def test_a_silent_network_keeps_no_thread_longer_than_the_deadline(
    how: Callable[[TcpProxy], None], broker: RedisBroker, network: TcpProxy
) -> None:
    broker.publish([publication("before")])
    took: list[float] = []

    def publish() -> None:
        began = time.monotonic()
        with pytest.raises(BrokerUnavailable):
            broker.publish([publication("in vain")])
        took.append(time.monotonic() - began)

    how(network)
    threads = [threading.Thread(target=publish) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    network.go_on()

    assert len(took) == 100
    assert max(took) < DEADLINE
    broker.publish([publication("after")])


def test_a_slow_network_is_slow_and_nothing_else(broker: RedisBroker, network: TcpProxy) -> None:
    network.delay(0.15)

    broker.publish([publication("a"), publication("b")])
    lease = begin_lease(broker)

    assert drain(lease) == ["a", "b"]


def test_every_publication_that_returned_is_there_however_often_the_network_is_cut(
    broker: RedisBroker, near: RedisBroker, network: TcpProxy
) -> None:
    published: list[str] = []
    ended = threading.Event()

    def cut_again_and_again() -> None:
        while not ended.wait(0.003):
            network.cut()

    thread = threading.Thread(target=cut_again_and_again)
    thread.start()
    for number in range(300):
        try:
            broker.publish([publication(str(number))])
        except BrokerUnavailable:
            continue
        published.append(str(number))
    ended.set()
    thread.join()

    found = drain(begin_lease(near))
    assert published
    assert set(published) <= set(found)
    assert len(found) == len(set(found))


# -- leases


def test_a_settlement_whose_answer_was_lost_may_be_repeated(
    server: RedisServer, broker: RedisBroker, network: TcpProxy
) -> None:
    broker.publish([publication(name) for name in "abc"])
    lease = begin_lease(broker)
    first, second, third = lease.claim(["celery"], 3).deliveries
    settlements = [Finish(first.tag, follow_ups=(publication("next"),)), Requeue(second.tag), Park(third.tag)]

    network.hold_answers()
    with pytest.raises(BrokerUnavailable):
        lease.claim([], 0, settlements)
    network.cut()
    network.go_on()
    lease.claim([], 0, settlements)

    depth = broker.admin.depth("celery")
    assert (depth.ready, depth.claimed, depth.parked) == (2, 0, 1)
    assert sorted(drain(lease)) == ["b", "next"]


def test_what_was_claimed_by_a_call_without_an_answer_comes_again(
    broker: RedisBroker, network: TcpProxy
) -> None:
    broker.publish([publication(name) for name in "abc"])
    lease = begin_lease(broker)
    lease.claim(["celery"], 0)

    network.hold_answers()
    with pytest.raises(BrokerUnavailable):
        lease.claim(["celery"], 2)
    network.cut()
    network.go_on()

    assert ids_of(lease.claim(["celery"], 10)) == ["a", "b", "c"]


def test_what_was_parked_and_claimed_by_a_call_without_an_answer_is_not_lost(
    broker: RedisBroker, network: TcpProxy
) -> None:
    broker.publish([publication("a", task="late")])
    lease = begin_lease(broker)
    (found,) = lease.claim(["celery"], 1).deliveries
    lease.claim([], 0, [Park(found.tag)])

    network.hold_answers()
    with pytest.raises(BrokerUnavailable):
        lease.claim_parked(["celery"], 5, ["late"])
    network.cut()
    network.go_on()

    assert drain(lease) == ["a"]


def wait_in_a_thread(lease: RedisLease, server: RedisServer) -> tuple[threading.Thread, list[object]]:
    """A lease that waits, blocked on the server; and what comes of it."""
    outcomes: list[object] = []

    def wait() -> None:
        try:
            outcomes.append(lease.wait(["celery"], 30))
        except BrokerError as error:
            outcomes.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    until(lambda: any(client["cmd"] == "blmove" for client in server.client.client_list()))
    return thread, outcomes


def test_a_wait_ends_when_the_network_cuts_it_and_the_next_one_is_woken(
    server: RedisServer, broker: RedisBroker, network: TcpProxy
) -> None:
    lease = begin_lease(broker)
    thread, outcomes = wait_in_a_thread(lease, server)

    network.cut()
    thread.join(10)

    assert [type(outcome) for outcome in outcomes] == [BrokerUnavailable]
    thread, outcomes = wait_in_a_thread(lease, server)
    broker.publish([publication("a")])
    thread.join(10)
    assert outcomes == [True]
    assert drain(lease) == ["a"]


def test_a_message_that_was_on_its_way_when_the_network_was_cut_is_not_lost(
    server: RedisServer, broker: RedisBroker, near: RedisBroker, network: TcpProxy
) -> None:
    lease = begin_lease(broker)
    thread, outcomes = wait_in_a_thread(lease, server)

    network.hold_answers()
    near.publish([publication("a")])
    until(lambda: not server.client.llen("celery"))
    network.cut()
    network.go_on()
    thread.join(10)

    assert not thread.is_alive()
    assert outcomes
    assert drain(lease) == ["a"]


def given_by_a_wait(lease: RedisLease, server: RedisServer, near: RedisBroker, task_id: str) -> int:
    """Have the lease claim a message that was moved to it while it was blocked; the tag."""
    thread, _ = wait_in_a_thread(lease, server)
    near.publish([publication(task_id)])
    thread.join(10)
    (delivery,) = lease.claim(["celery"], 1).deliveries
    assert delivery.task_id == task_id
    return delivery.tag


def test_a_settlement_that_is_repeated_takes_no_other_message(
    server: RedisServer, broker: RedisBroker, near: RedisBroker, network: TcpProxy
) -> None:
    lease = begin_lease(broker)
    tag = given_by_a_wait(lease, server, near, "a")

    network.hold_answers()
    with pytest.raises(BrokerUnavailable):
        lease.claim([], 0, [Finish(tag)])
    near.publish([publication("b")])
    # As a wait does whose answer is lost.
    server.client.lmove("celery", f"sedano:{{celery}}:inbox:{lease.incarnation}", "RIGHT", "LEFT")
    network.cut()
    network.go_on()
    lease.claim([], 0, [Finish(tag)])

    lease.end()
    assert drain(begin_lease(broker, "w2@host")) == ["b"]


# -- a server that has changed


def test_a_message_that_a_wait_brought_is_settled_although_its_script_was_forgotten(
    server: RedisServer, broker: RedisBroker, near: RedisBroker
) -> None:
    lease = begin_lease(broker)
    other = begin_lease(near, "w2@host")
    tag = given_by_a_wait(lease, server, near, "a")

    server.client.script_flush()
    near.publish([publication("b")])
    assert drain(other) == ["b"]  # now the server knows some scripts again
    claimed = lease.claim(["celery"], 1, [Finish(tag)])

    assert claimed.lost == []
    assert broker.admin.depth("celery").claimed == 0


#: Every script that a lease runs, by what runs it.
CALLS: dict[str, Callable[[RedisLease], object]] = {
    "claim": lambda lease: lease.claim(["celery"], 1),
    "enlist": lambda lease: lease.claim(["other"], 1),
    "claim_parked": lambda lease: lease.claim_parked(["celery"], 1, ["t"]),
    "look": lambda lease: lease.wait(["celery"], 0),
    "renew": lambda lease: lease.renew([]),
    "recover": lambda lease: lease.recover_dead(),
    "end": lambda lease: lease.end(),
}


@pytest.mark.parametrize("name", CALLS)
def test_every_script_is_sent_again_when_it_was_forgotten(
    name: str, server: RedisServer, broker: RedisBroker
) -> None:
    broker.publish([publication("a")])
    lease = begin_lease(broker)
    lease.claim(["celery"], 0)

    server.client.script_flush()
    CALLS[name](lease)

    lease.end()
    assert drain(begin_lease(broker)) == ["a"]


def test_a_replica_takes_no_settlement_and_after_that_it_is_taken_once(
    server: RedisServer, broker: RedisBroker
) -> None:
    broker.publish([publication("a"), publication("b")])
    lease = begin_lease(broker)
    (first,) = lease.claim(["celery"], 1).deliveries

    server.client.execute_command("REPLICAOF", "127.0.0.1", "1")
    for call in (
        lambda: lease.claim(["celery"], 1, [Finish(first.tag)]),
        lambda: lease.renew([first.tag]),
        lambda: begin_lease(broker, "w2@host"),
    ):
        with pytest.raises(BrokerUnavailable, match="READONLY"):
            call()
    server.client.execute_command("REPLICAOF", "NO", "ONE")
    claimed = lease.claim(["celery"], 1, [Finish(first.tag)])

    assert ids_of(claimed) == ["b"]
    assert claimed.lost == []


def until(condition: Callable[[], object]) -> None:
    """Look again and again; fail when it does not come about."""
    deadline = time.monotonic() + 10
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail("This did not happen.")
