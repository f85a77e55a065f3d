"""The Redis broker keeps its port's promises however it gets to its server: Sentinel, TLS, a Unix socket."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sedano.brokers.broker import Broker
from sedano.brokers.redis.broker import RedisBroker
from sedano.clock import Clock
from sedano.errors import ConfigurationError
from sedano.redis.redis_url import RedisLocation
from sedano.results.redis.store import RedisResultStore
from sedano.results.store import ResultStore
from sedano.testing.broker_cases.fixtures import begin_lease, drain
from sedano.testing.broker_conformance import BrokerConformance
from sedano.testing.messages import publication
from tests.servers.certificates import Certificates, make_certificates
from tests.servers.free_ports import free_ports
from tests.servers.redis_groups import private_redis, private_replica, private_sentinels
from tests.servers.redis_server import RedisServer


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def tls_port() -> int:
    return free_ports(1)[0]


@pytest.fixture(scope="module")
def started_server(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates, tls_port: int
) -> Iterator[RedisServer]:
    """One for all of them: on a port, on another with TLS, and on a socket."""
    folder = tmp_path_factory.mktemp("redis")
    tls = ("--tls-port", str(tls_port), *certificates.for_redis)
    with private_redis(folder, "--unixsocket", str(folder / "socket"), *tls) as server:
        yield server


@pytest.fixture(scope="module")
def sentinel_url(started_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("sentinels")
    with (
        private_replica(folder / "replica", started_server),
        private_sentinels(folder, started_server, 3) as url,
    ):
        yield url


class WayIn(BrokerConformance):
    """Derived classes say where it is."""

    @pytest.fixture
    def open_broker(self, location: RedisLocation) -> Callable[[Clock], Broker]:
        return lambda clock: RedisBroker(location, clock=clock)

    @pytest.fixture
    def open_results(self, location: RedisLocation) -> Callable[[Clock], ResultStore]:
        return lambda clock: RedisResultStore(location, clock=clock)


class TestRedisBrokerBehindSentinel(WayIn):
    @pytest.fixture
    def location(self, sentinel_url: str, server: RedisServer) -> RedisLocation:
        return RedisLocation.from_url(sentinel_url, options={"master_name": "shop"})


class TestRedisBrokerOverTls(WayIn):
    @pytest.fixture
    def location(self, server: RedisServer, certificates: Certificates, tls_port: int) -> RedisLocation:
        return RedisLocation.from_url(
            f"rediss://127.0.0.1:{tls_port}/0?ssl_ca_certs={certificates.authority}"
        )


class TestRedisBrokerOverUnixSocket(WayIn):
    @pytest.fixture
    def location(self, server: RedisServer) -> RedisLocation:
        path = server.client.config_get("unixsocket")["unixsocket"]
        return RedisLocation.from_url(f"redis+socket://{path}?virtual_host=0")


# -- TLS


def test_a_certificate_that_we_do_not_trust_is_the_users_to_change(
    server: RedisServer, tls_port: int, tmp_path: Path
) -> None:
    others = make_certificates(tmp_path / "others")
    url = f"rediss://127.0.0.1:{tls_port}/0?ssl_ca_certs={others.authority}"
    broker = RedisBroker(RedisLocation.from_url(url))

    with pytest.raises(ConfigurationError, match="ssl_ca_certs"):
        broker.publish([publication()])

    broker.close()


def test_a_certificate_for_another_host_is_refused_unless_its_user_does_not_mind(
    server: RedisServer, certificates: Certificates, tls_port: int
) -> None:
    url = f"rediss://127.0.0.2:{tls_port}/0?ssl_ca_certs={certificates.authority}"
    server.client.config_set("bind", "127.0.0.1 127.0.0.2")
    broker = RedisBroker(RedisLocation.from_url(url))
    careless = RedisBroker(RedisLocation.from_url(f"{url}&ssl_check_hostname=false"))

    with pytest.raises(ConfigurationError, match=r"127\.0\.0\.2"):
        broker.publish([publication("a")])
    careless.publish([publication("b")])

    assert drain(begin_lease(careless)) == ["b"]
    server.client.config_set("bind", "127.0.0.1")
    broker.close()
    careless.close()


def test_connections_over_tls_are_used_again(
    server: RedisServer, certificates: Certificates, tls_port: int
) -> None:
    url = f"rediss://127.0.0.1:{tls_port}/0?ssl_ca_certs={certificates.authority}"
    broker = RedisBroker(RedisLocation.from_url(url))
    broker.publish([publication("first")])
    before = server.client.info("stats")["total_connections_received"]

    for number in range(20):
        broker.publish([publication(f"{number}")])

    assert server.client.info("stats")["total_connections_received"] == before
    broker.close()
