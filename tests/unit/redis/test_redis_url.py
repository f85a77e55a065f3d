"""From Celery's URLs to where a Redis is."""

import ssl

import pytest

from sedano.errors import ConfigurationError
from sedano.redis.redis_url import RedisLocation


def test_a_url_without_anything_means_the_local_server() -> None:
    location = RedisLocation.from_url("redis://")

    assert (location.host, location.port, location.db) == ("localhost", 6379, 0)


def test_user_password_and_database_are_read() -> None:
    location = RedisLocation.from_url("redis://us%40er:pa%2Fss@host:6380/3")

    assert (location.username, location.password) == ("us@er", "pa/ss")
    assert (location.host, location.port, location.db) == ("host", 6380, 3)


def test_no_secret_is_shown() -> None:
    location = RedisLocation.from_url("redis://user:secret@host/1")

    assert location.identity == "redis://host:6379/1"
    assert "secret" not in repr(location)


def test_tls_is_strict_unless_the_url_says_otherwise() -> None:
    strict = RedisLocation.from_url("rediss://host/0").tls
    lax = RedisLocation.from_url("rediss://host/0?ssl_cert_reqs=CERT_NONE&ssl_ca_certs=/ca.pem").tls

    assert strict == {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}
    assert lax == {"ssl_cert_reqs": ssl.CERT_NONE, "ssl_check_hostname": False, "ssl_ca_certs": "/ca.pem"}


def test_a_socket_has_its_database_in_the_query() -> None:
    location = RedisLocation.from_url("redis+socket:///run/redis.sock?virtual_host=2")

    assert (location.path, location.db) == ("/run/redis.sock", 2)


def test_sentinels_are_read_with_the_name_of_their_server() -> None:
    url = "sentinel://:secret@one:26379;sentinel://two:26380;sentinel://three/2"
    location = RedisLocation.from_url(url, options={"master_name": "shop"})

    assert location.sentinels == (("one", 26379), ("two", 26380), ("three", 26379))
    assert (location.master_name, location.db, location.password) == ("shop", 2, "secret")


@pytest.mark.parametrize(
    "url",
    ["redis://host:port/0", "redis://host/shop", "rediss://host/?ssl_cert_reqs=some", "sentinel://host/0"],
)
def test_what_cannot_be_read_is_refused_with_the_settings_name(url: str) -> None:
    with pytest.raises(ConfigurationError, match="result_backend"):
        RedisLocation.from_url(url, setting="result_backend")


def test_several_servers_of_a_cluster_may_be_named() -> None:
    location = RedisLocation.from_url("redis+cluster://:secret@one;two:6380;redis://three")

    assert location.cluster
    assert (location.host, location.port, location.password) == ("one", 6379, "secret")
    assert location.more_hosts == (("two", 6380), ("three", 6379))


def test_a_cluster_speaks_tls_if_there_are_parameters_for_it() -> None:
    assert RedisLocation.from_url("redis+cluster://host").tls is None
    assert RedisLocation.from_url("redis+cluster://host?ssl_ca_certs=/ca.pem").tls == {
        "ssl_ca_certs": "/ca.pem",
        "ssl_cert_reqs": ssl.CERT_REQUIRED,
        "ssl_check_hostname": True,
    }
