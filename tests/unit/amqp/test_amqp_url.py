"""From Celery's URLs to where a RabbitMQ is."""

import ssl

import pytest

from sedano.amqp.amqp_url import AmqpLocation, AmqpServer
from sedano.errors import ConfigurationError


def only(url: str, **options: object) -> AmqpServer:
    (server,) = AmqpLocation.from_url(url, **options).servers  # type: ignore[arg-type]
    return server


@pytest.mark.parametrize(
    "url", ["amqp://", "amqp://localhost", "amqp://localhost/", "amqp://localhost//", "pyamqp://"]
)
def test_a_url_without_anything_means_the_local_server(url: str) -> None:
    assert only(url) == AmqpServer(host="localhost", port=5672, username="guest", password="guest", vhost="/")


def test_user_password_and_virtual_host_are_read() -> None:
    server = only("amqp://us%40er:pa%2Fss@host:5673/sh%2Fop")

    assert (server.username, server.password) == ("us@er", "pa/ss")
    assert (server.host, server.port, server.vhost) == ("host", 5673, "sh/op")


def test_the_virtual_host_begins_behind_the_first_slash() -> None:
    assert only("amqp://host/shop").vhost == "shop"
    assert only("amqp://host//shop").vhost == "/shop"


def test_no_secret_is_shown() -> None:
    location = AmqpLocation.from_url("amqp://user:secret@host/shop")

    assert location.identity == "amqp://host:5672/shop"
    assert "secret" not in repr(location)


def test_several_servers_come_with_semicolons_or_as_a_list() -> None:
    urls = ["amqp://a/v", "amqps://b/v"]

    joined, listed = AmqpLocation.from_url(";".join(urls)), AmqpLocation.from_url(urls)

    assert joined == listed
    assert [(one.host, one.port, one.tls is not None) for one in joined.servers] == [
        ("a", 5672, False),
        ("b", 5671, True),
    ]


def test_their_order_makes_no_other_place() -> None:
    one, other = AmqpLocation.from_url("amqp://a;amqp://b"), AmqpLocation.from_url("amqp://b;amqp://a")

    assert one.identity == other.identity


def test_tls_is_strict_unless_somebody_says_otherwise() -> None:
    strict = only("amqps://host").tls
    lax = only("amqps://host?ssl_cert_reqs=CERT_NONE&ssl_ca_certs=/ca.pem").tls

    assert strict is not None
    assert (strict.cert_reqs, strict.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert lax is not None
    assert (lax.cert_reqs, lax.check_hostname, lax.ca_certs) == (ssl.CERT_NONE, False, "/ca.pem")


def test_celerys_setting_asks_for_tls_as_well() -> None:
    plain = only("amqp://host", use_ssl=True)
    detailed = only("amqp://host", use_ssl={"ca_certs": "/ca.pem", "cert_reqs": ssl.CERT_OPTIONAL})

    assert plain.port == detailed.port == 5671
    assert detailed.tls is not None
    assert (detailed.tls.ca_certs, detailed.tls.cert_reqs) == ("/ca.pem", ssl.CERT_OPTIONAL)


def test_heartbeat_and_login_method_may_be_in_the_url() -> None:
    location = AmqpLocation.from_url("amqps://host?heartbeat=30&login_method=external")

    assert (location.heartbeat, location.login_method) == (30.0, "EXTERNAL")


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("amqp://host:port", "port"),
        ("amqp://a;redis://b", "redis://"),
        ("amqp://host?hartbeat=3", "hartbeat"),
        ("amqp://host?heartbeat=-3", "heartbeat"),
        ("amqp://host?heartbeat=soon", "soon"),
        ("amqps://host?ssl_cert_reqs=perhaps", "perhaps"),
        ("amqps://host?ssl_ca_cert=/ca.pem", "Did you mean 'ca_certs'"),
        ("amqp://host?login_method=PLANE", "PLANE"),
    ],
)
def test_what_cannot_be_read_is_said(url: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        AmqpLocation.from_url(url)
