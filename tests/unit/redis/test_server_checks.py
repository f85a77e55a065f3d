"""What ``sedano check`` says of a Redis: of its settings, and of those it does not show."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sedano.brokers.redis.broker import RedisBroker
from sedano.brokers.redis.server_checks import judge
from sedano.errors import BrokerUnavailable
from sedano.redis.redis_url import RedisLocation
from tests.servers.redis_server import RedisServer

#: What a well kept server says of itself.
SOUND = {
    "redis_version": "7.2.4",
    "maxmemory": "0",
    "maxmemory_policy": "noeviction",
    "aof_enabled": "1",
}
CONFIG = {"save": "3600 1", "appendfsync": "everysec"}


def texts(info: dict[str, str], config: dict[str, str] | None = CONFIG, *, notes: bool = False) -> list[str]:
    """What is said of a server that differs from a sound one in this."""
    return [remark.text for remark in judge(SOUND | info, config) if remark.is_note == notes]


@pytest.mark.parametrize(
    ("info", "config"),
    [
        pytest.param({}, CONFIG, id="as it should be"),
        pytest.param({}, CONFIG | {"appendfsync": "always"}, id="every write synced"),
        pytest.param({"redis_version": "6.2.0"}, CONFIG, id="the oldest that will do"),
        pytest.param({"redis_version": "10.0"}, CONFIG, id="a version of two digits"),
        pytest.param({"redis_version": "unstable"}, CONFIG, id="a version that is no number"),
    ],
)
def test_nothing_is_said_of_a_sound_server(info: dict[str, str], config: dict[str, str]) -> None:
    assert judge(SOUND | info, config) == []


@pytest.mark.parametrize("version", ["6.0.16", "5.0", "2.8.24"])
def test_a_server_is_too_old_before_6_2(version: str) -> None:
    assert texts({"redis_version": version}) == [f"The server is a Redis {version}; it takes 6.2 or newer."]


@pytest.mark.parametrize(
    ("policy", "what"),
    [("allkeys-lru", "messages and results"), ("volatile-ttl", "results that are not read yet")],
)
def test_eviction_throws_away_what_its_policy_says(policy: str, what: str) -> None:
    (latent,) = texts({"maxmemory_policy": policy})
    (acute,) = texts({"maxmemory_policy": policy, "maxmemory": "1000000"})

    assert latent == f"maxmemory-policy is {policy}: once a maxmemory is set, the server throws away {what}."
    assert acute == f"maxmemory-policy is {policy}: when maxmemory is reached, the server throws away {what}."


def test_a_file_that_is_never_synced_is_dangerous() -> None:
    (text,) = texts({}, CONFIG | {"appendfsync": "no"})

    assert text.startswith("appendfsync is no")


def test_how_a_file_is_synced_that_is_not_written_is_of_no_interest() -> None:
    assert texts({"aof_enabled": "0"}, CONFIG | {"appendfsync": "no"}) == []


def test_snapshots_alone_are_worth_a_note() -> None:
    (text,) = texts({"aof_enabled": "0"}, notes=True)

    assert "only saves snapshots" in text


@pytest.fixture
def remarks_of(tmp_path: Path) -> Iterator[Callable[..., list[tuple[str, bool]]]]:
    """Starts a server and asks what there is to say of it: texts, and whether they are notes."""
    servers: list[RedisServer] = []

    def ask(*arguments: str, user: str = "") -> list[tuple[str, bool]]:
        servers.append(RedisServer(tmp_path, *arguments))
        url = servers[-1].url.replace("://", f"://{user}")
        broker = RedisBroker(RedisLocation.from_url(url))
        try:
            return [(remark.text, remark.is_note) for remark in broker.admin.remarks()]
        finally:
            broker.close()

    yield ask
    for server in servers:
        server.stop()


RemarksOf = Callable[..., list[tuple[str, bool]]]


def test_a_server_with_an_append_only_file_needs_no_remark(remarks_of: RemarksOf) -> None:
    assert remarks_of("--appendonly", "yes") == []


def test_a_server_that_forgets_and_evicts_is_found_out(remarks_of: RemarksOf) -> None:
    said = remarks_of("--maxmemory-policy", "allkeys-lru", "--maxmemory", "100mb")

    assert [(text.partition(" ")[0], is_note) for text, is_note in said] == [
        ("maxmemory-policy", False),
        ("The", False),
    ]
    assert "keeps nothing on disk" in said[1][0]


def test_a_server_without_the_command_for_settings_shows_the_rest(remarks_of: RemarksOf) -> None:
    said = remarks_of("--rename-command", "CONFIG", "", "--maxmemory-policy", "volatile-lru")

    assert [is_note for _, is_note in said] == [False, True]
    assert "volatile-lru" in said[0][0]
    assert "does not show its settings" in said[1][0]


def test_a_user_who_may_not_read_settings_is_told_so(remarks_of: RemarksOf) -> None:
    rights = ("sam", "on", ">secret", "~*", "&*", "+@all", "-config")

    ((text, is_note),) = remarks_of("--appendonly", "yes", "--user", *rights, user="sam:secret@")

    assert is_note
    assert "how often the append-only file is synced" in text


def test_a_server_that_is_not_there_has_no_remarks_but_an_error() -> None:
    broker = RedisBroker(RedisLocation.from_url("redis://127.0.0.1:1/0"))

    with pytest.raises(BrokerUnavailable):
        broker.admin.remarks()
