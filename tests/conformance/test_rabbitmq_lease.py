"""A lease on RabbitMQ beyond the port: it survives its connection, and gives back what it does not want."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import amqp
import pytest

from sedano.amqp.amqp_url import AmqpLocation
from sedano.amqp.confirms import Confirms, Outgoing
from sedano.amqp.failures import ChannelClosed
from sedano.brokers.amqp.broker import AmqpBroker
from sedano.brokers.amqp.lease import AmqpLease
from sedano.brokers.settlement import Finish, Requeue
from sedano.errors import BrokerUnavailable, LeaseLost
from sedano.queues.rules import QueueRules
from sedano.settings.wiring import Wiring
from sedano.testing.broker_cases.fixtures import LEASE, claim_soon, drain, ids_of
from sedano.testing.messages import publication
from tests.acceptance.workers import wait_until
from tests.servers.amqp_reader import AmqpReader
from tests.servers.rabbitmq_server import PATIENT, RabbitServer, vhost_of
from tests.servers.tcp_proxy import TcpProxy

OpenBroker = Callable[..., AmqpBroker]


@pytest.fixture
def open_broker(amqp_url: str) -> Iterator[OpenBroker]:
    opened: list[AmqpBroker] = []

    def open_one(*, quorum: bool = False, **options: Any) -> AmqpBroker:
        kind = "quorum" if quorum else "classic"
        rules = QueueRules(default_queue_type=kind, missing_queue_type=kind)
        wiring = Wiring(delayed_queue_type="classic", queues=rules)
        opened.append(
            AmqpBroker(AmqpLocation.from_url(amqp_url), wiring=wiring, publish_timeout=PATIENT, **options)
        )
        return opened[-1]

    yield open_one
    for broker in opened:
        broker.close()


@pytest.fixture
def reader(amqp_url: str) -> Iterator[AmqpReader]:
    with AmqpReader(amqp_url) as reader:
        yield reader


@pytest.fixture
def network(rabbitmq: RabbitServer) -> Iterator[TcpProxy]:
    """What may lie before the server."""
    proxy = TcpProxy(rabbitmq.port)
    yield proxy
    proxy.close()


def begin(broker: AmqpBroker, node: str = "w1@host") -> AmqpLease:
    return broker.lease(node, duration=LEASE)


def has_gone_on(lease: AmqpLease) -> bool:
    """Whether all that it held is held again."""
    with suppress(BrokerUnavailable):
        lease.renew([])
        return True
    return False


def test_what_a_node_held_when_its_connection_broke_is_held_again(open_broker: OpenBroker) -> None:
    broker = open_broker()
    broker.publish([publication(name) for name in "abc"])
    lease = begin(broker)
    a, b = lease.claim(["celery"], 2).deliveries

    lease.hang_up()
    wait_until(lambda: has_gone_on(lease), what="it has them again")

    assert lease.holds([a.tag, b.tag]) == {a.tag, b.tag}
    assert lease.claim(["celery"], 0, [Finish(a.tag), Finish(b.tag)]).lost == []
    assert drain(lease) == ["c"]
    lease.renew([])
    assert broker.admin.queues() == []


def test_what_was_done_with_when_the_connection_broke_does_not_come_again(
    network: TcpProxy, amqp_url: str, reader: AmqpReader
) -> None:
    url = f"amqp://guest:guest@127.0.0.1:{network.port}/{vhost_of(amqp_url)}"
    broker = AmqpBroker(AmqpLocation.from_url(url))
    broker.publish([publication(name) for name in "ab"])
    lease = begin(broker)
    (a,) = lease.claim(["celery"], 1).deliveries

    network.hold()  # the server does not hear of it
    lease.claim([], 0, [Finish(a.tag)])
    network.cut()
    network.go_on()
    wait_until(lambda: reader.depth("celery") == 2, what="the server has it back")
    wait_until(lambda: has_gone_on(lease), what="it has a connection")

    assert drain(lease) == ["b"]
    assert broker.admin.queues() == []
    broker.close()


def test_a_message_of_celerys_is_held_again_as_well(open_broker: OpenBroker, reader: AmqpReader) -> None:
    lease = begin(open_broker())
    assert not lease.wait(["celery"], 0.01)
    publish_as_celery(reader, "a")
    assert lease.wait(["celery"], 5)
    (a,) = lease.claim(["celery"], 1).deliveries

    lease.hang_up()
    wait_until(lambda: has_gone_on(lease), what="it has it again")

    assert lease.claim(["celery"], 0, [Finish(a.tag)]).lost == []


def test_a_message_of_celerys_that_killed_a_node_has_crashed_once(
    open_broker: OpenBroker, reader: AmqpReader
) -> None:
    victim, heir = begin(open_broker()), begin(open_broker(), "heir@host")
    assert not victim.wait(["celery"], 0.01)
    publish_as_celery(reader, "a")
    assert victim.wait(["celery"], 5)
    (a,) = victim.claim(["celery"], 1).deliveries
    victim.renew([a.tag])

    victim.hang_up()
    (again,) = claim_soon(heir, 1)

    assert (again.task_id, again.crashes, again.redelivered) == ("a", 1, True)


def publish_as_celery(reader: AmqpReader, task_id: str) -> None:
    """Without anything of ours in it."""
    headers = {"id": task_id, "task": "tests.add"}
    message = amqp.Message(
        b"[[], {}, {}]", content_type="application/json", delivery_mode=2, application_headers=headers
    )
    Confirms(reader.link).publish([Outgoing("", "celery", message)], deadline=time.monotonic() + 5)


def test_a_lease_is_lost_when_another_node_has_got_what_it_held(open_broker: OpenBroker) -> None:
    broker = open_broker(grace=0.3)
    broker.publish([publication("a")])
    lease, other = begin(broker), begin(broker, "w2@host")
    (held,) = lease.claim(["celery"], 1).deliveries

    lease.hang_up()
    assert other.wait(["celery"], 5)
    assert ids_of(other.claim(["celery"], 1)) == ["a"]

    with pytest.raises(LeaseLost):
        wait_until(lambda: has_gone_on(lease) and False, timeout=5)
    assert lease.claim(["celery"], 1, [Finish(held.tag)]).lost == [held.tag]


def test_a_node_without_claims_does_not_notice_a_loss_of_its_connection(open_broker: OpenBroker) -> None:
    broker = open_broker()
    lease = begin(broker)
    assert not lease.wait(["celery"], 0.01)

    lease.hang_up()
    broker.publish([publication("a")])

    assert lease.wait(["celery"], 5)
    assert drain(lease) == ["a"]


def test_what_was_sent_ahead_goes_back_when_nothing_more_is_wanted(
    open_broker: OpenBroker, reader: AmqpReader
) -> None:
    broker = open_broker()
    broker.publish([publication(f"{queue} {n}", queue=queue) for queue in ("mail", "news") for n in range(3)])
    lease = begin(broker)
    assert len(lease.claim(["mail", "news"], 2).deliveries) == 2

    wait_until(lambda: lease.rest() is None, what="it rests")

    wait_until(lambda: reader.depth("mail") + reader.depth("news") == 4, what="the others are for others")


def test_what_is_settled_is_not_followed_by_more_than_is_wanted(
    open_broker: OpenBroker, reader: AmqpReader
) -> None:
    broker = open_broker()
    broker.publish([publication(name) for name in "abc"])
    lease = begin(broker)
    (a,) = lease.claim(["celery"], 1).deliveries

    lease.claim(["celery"], 0, [Finish(a.tag)])

    assert reader.depth("celery") == 2


def test_a_message_may_go_back_to_a_quorum_queue_as_often_as_it_likes(open_broker: OpenBroker) -> None:
    broker = open_broker(quorum=True)
    broker.publish([publication("a")])
    lease = begin(broker)

    for _ in range(25):
        assert lease.wait(["celery"], 5)
        (delivery,) = lease.claim(["celery"], 1).deliveries
        assert delivery.envelope.headers == b'{"task": "tests.add"}'
        lease.claim([], 0, [Requeue(delivery.tag, begun=False)])

    assert lease.wait(["celery"], 5)
    (claim,) = lease.claim(["celery"], 1).deliveries
    assert lease._held[claim.tag].arrival.returns < 10


@pytest.mark.parametrize("quorum", [False, True])
def test_what_is_held_for_long_is_taken_once_more(
    quorum: bool, open_broker: OpenBroker, reader: AmqpReader, rabbitmq: RabbitServer, amqp_url: str
) -> None:
    broker = open_broker(quorum=quorum, consumer_timeout=0.03)
    broker.publish([publication("a"), publication("b")])
    lease = begin(broker)
    a, b = lease.claim(["celery"], 2).deliveries
    before = lease._held[a.tag].arrival

    wait_until(lambda: time.monotonic() - before.came_at > 0.02)
    lease.renew([a.tag, b.tag])

    assert lease._held[a.tag].arrival is not before
    (kept,) = (said for name, said in rabbitmq.queues(amqp_url).items() if name.startswith("sedano.kept."))
    assert ("{type,quorum}" in kept) == quorum
    assert lease.holds([a.tag, b.tag]) == {a.tag, b.tag}
    assert lease.claim([], 0, [Finish(a.tag), Requeue(b.tag)]).lost == []
    assert drain(lease) == ["b"]
    assert reader.depth("celery") == 0


@pytest.mark.parametrize("quorum", [False, True])
def test_what_a_dead_node_had_held_for_long_comes_back(
    quorum: bool, open_broker: OpenBroker, reader: AmqpReader
) -> None:
    broker = open_broker(quorum=quorum, consumer_timeout=0.03)
    broker.publish([publication("a")])
    lease = begin(broker)
    (a,) = lease.claim(["celery"], 1).deliveries
    arrival = lease._held[a.tag].arrival
    wait_until(lambda: time.monotonic() - arrival.came_at > 0.02)
    lease.renew([])

    lease.hang_up()

    wait_until(lambda: reader.depth("celery") == 1, timeout=20, what="it is there")
    (again,) = begin(broker, "w2@host").claim(["celery"], 1).deliveries
    assert (again.task_id, again.redelivered) == ("a", True)


def test_a_queue_that_is_paused_sends_nothing_more_to_a_node_that_waits(
    open_broker: OpenBroker, reader: AmqpReader
) -> None:
    broker = open_broker()
    lease = begin(broker)
    assert not lease.wait(["celery"], 0.01)

    broker.admin.pause("celery")
    assert not lease.wait(["celery"], 0.3)
    broker.publish([publication("a")])

    assert not lease.wait(["celery"], 0.1)
    assert reader.depth("celery") == 1


def test_a_deleted_queue_is_made_again(open_broker: OpenBroker, reader: AmqpReader) -> None:
    broker = open_broker()
    lease = begin(broker)
    assert not lease.wait(["celery"], 0.01)

    with reader.link.within():
        reader.channel.queue_delete("celery")
    broker.publish([publication("a")])

    def came() -> bool:
        # The server ends the channel on which the lease asks again before the queue is there.
        with suppress(BrokerUnavailable, ChannelClosed):
            return lease.wait(["celery"], 1)
        return False

    wait_until(came)
    assert drain(lease) == ["a"]


def test_what_is_done_with_together_is_acknowledged_together(open_broker: OpenBroker) -> None:
    broker = open_broker()
    broker.publish([publication(str(number)) for number in range(100)])
    lease = begin(broker)
    done = [Finish(delivery.tag) for delivery in lease.claim(["celery"], 100).deliveries]
    frames = lease._link._connection.bytes_sent  # it counts frames

    assert lease.claim(["celery"], 0, done).lost == []

    # Beside the acknowledgement, the consumer is cancelled.
    assert (len(done), lease._link._connection.bytes_sent - frames) == (100, 2)


def test_a_follow_up_that_is_claimed_at_once_has_been_to_nobody_else(open_broker: OpenBroker) -> None:
    """A quorum queue would take back what it had sent to a consumer that gives way to one with more room."""
    broker = open_broker(quorum=True)
    lease = begin(broker)
    for number in range(20):
        broker.publish([publication(f"first {number}")])
        (first,) = lease.claim(["celery"], 1).deliveries

        follow_ups = (publication(f"next {number}"),)
        (following,) = lease.claim(["celery"], 10, [Finish(first.tag, follow_ups=follow_ups)]).deliveries

        assert (following.task_id, following.redelivered) == (f"next {number}", False)
        lease.claim([], 0, [Finish(following.tag)])
