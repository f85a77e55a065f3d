"""What publishing to RabbitMQ does when the server, or the network before it, is slow, silent, or gone."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from sedano.amqp.amqp_url import AmqpLocation
from sedano.brokers.amqp.broker import AmqpBroker
from sedano.errors import BrokerUnavailable, ConfigurationError
from sedano.testing.messages import publication
from tests.servers.amqp_reader import AmqpReader
from tests.servers.certificates import make_certificates
from tests.servers.rabbitmq_server import PATIENT, RabbitServer
from tests.servers.tcp_proxy import TcpProxy

#: The default of ``broker_publish_timeout`` is 2 s; with room for a busy machine. Where threads wait for one
#: another, the last of five waits for 10 s.
DEADLINE = 8.0


def behind(port: int, url: str) -> str:
    """The same virtual host, through another port."""
    return f"amqp://guest:guest@127.0.0.1:{port}/{url.rpartition('/')[2]}"


@pytest.fixture
def network(rabbitmq: RabbitServer) -> Iterator[TcpProxy]:
    proxy = TcpProxy(rabbitmq.port)
    yield proxy
    proxy.close()


@pytest.fixture
def broker(network: TcpProxy, amqp_url: str) -> Iterator[AmqpBroker]:
    """A broker behind that network."""
    broker = AmqpBroker(AmqpLocation.from_url(behind(network.port, amqp_url)))
    yield broker
    broker.close()


@pytest.fixture
def reader(amqp_url: str) -> Iterator[AmqpReader]:
    """Somebody without that network."""
    with AmqpReader(amqp_url) as reader:
        yield reader


def publish_in_vain(broker: AmqpBroker, threads: int) -> list[float]:
    """How long each of so many threads was kept."""
    took: list[float] = []

    def publish() -> None:
        began = time.monotonic()
        with pytest.raises(BrokerUnavailable):
            broker.publish([publication("in vain")])
        took.append(time.monotonic() - began)

    running = [threading.Thread(target=publish) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert len(took) == threads
    return took


@pytest.mark.parametrize("how", [TcpProxy.hold, TcpProxy.hold_answers])
@pytest.mark.parametrize("connected", [True, False])
def test_a_silent_network_keeps_no_thread_longer_than_the_deadline(
    how: Callable[[TcpProxy], None], connected: bool, broker: AmqpBroker, network: TcpProxy
) -> None:
    if connected:
        broker.publish([publication("before")])

    how(network)
    took = publish_in_vain(broker, 100)
    network.go_on()

    assert max(took) < DEADLINE
    broker.publish([publication("after")])


@pytest.mark.parametrize("connected", [True, False])
def test_a_frozen_server_keeps_no_thread_longer_than_the_deadline(
    connected: bool, rabbitmq: RabbitServer, amqp_url: str
) -> None:
    broker = AmqpBroker(AmqpLocation.from_url(amqp_url))
    if connected:
        broker.publish([publication("before")])

    rabbitmq.freeze()
    try:
        took = publish_in_vain(broker, 50)
    finally:
        rabbitmq.thaw()

    assert max(took) < DEADLINE
    broker.publish([publication("after")])
    broker.close()


def test_a_server_that_is_not_there_is_an_error_at_once(amqp_url: str) -> None:
    broker = AmqpBroker(AmqpLocation.from_url(behind(9, amqp_url)), publish_timeout=PATIENT)

    assert max(publish_in_vain(broker, 20)) < DEADLINE


def test_a_server_that_lets_nobody_publish_is_named_and_nothing_more_is_written_to_it(
    rabbitmq: RabbitServer, amqp_url: str, reader: AmqpReader
) -> None:
    broker = AmqpBroker(AmqpLocation.from_url(amqp_url))
    broker.publish([publication("before")])

    rabbitmq.block_publishers()
    try:
        for _ in range(2):
            began = time.monotonic()
            with pytest.raises(BrokerUnavailable, match=r"connection\.blocked.*memory"):
                broker.publish([publication("blocked")])
            assert time.monotonic() - began < DEADLINE
    finally:
        rabbitmq.unblock_publishers()
    broker.publish([publication("after")])

    # The first one was under way when the server said so.
    found = reader.ids("celery", reader.depth("celery"))
    assert found in (["before", "after"], ["before", "blocked", "after"])
    broker.close()


def test_a_slow_network_is_slow_and_nothing_else(
    amqp_url: str, network: TcpProxy, reader: AmqpReader
) -> None:
    network.delay(0.05)
    broker = AmqpBroker(AmqpLocation.from_url(behind(network.port, amqp_url)), publish_timeout=PATIENT)

    broker.publish([publication(str(number)) for number in range(500)])

    assert reader.depth("celery") == 500
    broker.close()


def test_a_connection_that_the_server_closed_while_it_was_idle_costs_nothing(
    rabbitmq: RabbitServer, amqp_url: str, reader: AmqpReader
) -> None:
    broker = AmqpBroker(AmqpLocation.from_url(amqp_url))
    broker.publish([publication("a")])

    rabbitmq.close_connections()
    broker.publish([publication("b")])

    with AmqpReader(amqp_url) as again:
        assert again.ids("celery", 2) == ["a", "b"]
    broker.close()


def test_a_message_whose_confirm_was_lost_is_there_and_its_caller_is_told_that_nobody_knows(
    broker: AmqpBroker, network: TcpProxy, reader: AmqpReader
) -> None:
    broker.publish([publication("a")])

    network.hold_answers()
    cutting = threading.Timer(0.5, network.cut)
    cutting.start()
    with pytest.raises(BrokerUnavailable):
        broker.publish([publication("b")])
    cutting.join()
    network.go_on()
    broker.publish([publication("b")])

    assert reader.ids("celery", 3) == ["a", "b", "b"]


def test_every_publication_that_returned_is_there_however_often_the_network_is_cut(
    broker: AmqpBroker, network: TcpProxy, reader: AmqpReader
) -> None:
    published: list[str] = []
    tried: list[str] = []
    ended = threading.Event()

    def cut_again_and_again() -> None:
        while not ended.wait(0.05):
            network.cut()

    thread = threading.Thread(target=cut_again_and_again)
    thread.start()
    for number in range(200):
        batch = [f"{number}.{part}" for part in range(5)]
        tried += batch
        try:
            broker.publish([publication(name) for name in batch])
        except BrokerUnavailable:
            continue
        published += batch
    ended.set()
    thread.join()

    found = reader.ids("celery", reader.depth("celery"))
    assert published
    assert set(published) <= set(found) <= set(tried)


def test_a_server_that_is_killed_has_everything_that_was_published(rabbitmq: RabbitServer) -> None:
    url = f"amqp://guest:guest@127.0.0.1:{rabbitmq.port}/"
    broker = AmqpBroker(AmqpLocation.from_url(url))
    names = [str(number) for number in range(100)]
    broker.publish([publication(name, queue="killed") for name in names])

    rabbitmq.kill()
    assert max(publish_in_vain(broker, 5)) < DEADLINE
    rabbitmq.start()

    with AmqpReader(url) as reader:
        assert reader.ids("killed", 100) == names
        reader.channel.queue_delete("killed")
    broker.publish([publication("after", queue="killed")])
    with AmqpReader(url) as reader:
        assert reader.ids("killed", 1) == ["after"]
        reader.channel.queue_delete("killed")
    broker.close()


def test_a_virtual_host_that_was_deleted_and_made_again_gets_all_it_needs(
    rabbitmq: RabbitServer, amqp_url: str
) -> None:
    broker = AmqpBroker(AmqpLocation.from_url(amqp_url), publish_timeout=PATIENT)
    broker.publish([publication("a"), publication("later", due=time.time() + 3600)])

    rabbitmq.delete_vhost(amqp_url)
    assert max(publish_in_vain(broker, 1)) < DEADLINE
    rabbitmq.make_vhost(amqp_url)
    broker.publish([publication("b")])
    broker.publish([publication("soon", due=time.time() + 1.1)])

    with AmqpReader(amqp_url) as reader:
        assert reader.ids("celery", 2) == ["b", "soon"]
    broker.close()


def test_tls_is_spoken_and_a_strange_certificate_is_not_trusted(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    certificates = make_certificates(tmp_path_factory.mktemp("certificates"))
    server = RabbitServer(tmp_path_factory.mktemp("rabbitmq-tls"), certificates=certificates)
    url = f"amqps://guest:guest@127.0.0.1:{server.tls_port}/"
    try:
        broker = AmqpBroker(AmqpLocation.from_url(f"{url}?ssl_ca_certs={certificates.authority}"))
        large = publication("large", body=bytes(2_000_000))
        broker.publish([publication("a"), large, publication("b")])
        broker.close()
        with AmqpReader(server.url) as reader:
            assert reader.ids("celery", 3) == ["a", "large", "b"]

        with pytest.raises(ConfigurationError, match="certificate"):
            AmqpBroker(AmqpLocation.from_url(url)).publish([publication("a")])
        plain = AmqpBroker(AmqpLocation.from_url(behind(server.tls_port, "amqp://x/")))
        with pytest.raises(BrokerUnavailable):
            plain.publish([publication("a")])
    finally:
        server.stop()
