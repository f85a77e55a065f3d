"""The search for leaked keys, which other tests rely on, finds them."""

import pytest

from tests.servers.key_owners import leaks
from tests.servers.redis_server import RedisServer


@pytest.fixture
def server(server: RedisServer) -> RedisServer:
    """With one lease, and everything that it owns."""
    client = server.client
    client.zadd("sedano:{nodes}", {"w1": 1})
    client.hset("sedano:{nodes}:w1", "node", "w1@host")
    client.sadd("sedano:queues", "celery")
    client.sadd("sedano:{celery}:holders", "w1")
    client.hset("sedano:{celery}:held:w1", "1", "{}")
    client.lpush("sedano:{celery}:inbox:w1", "{}")
    client.lpush("celery\x06\x163", "{}")
    client.zadd("sedano:{celery}:due", {"{}": 1})
    client.set("celery-task-meta-1", "{}", ex=60)
    return server


def test_what_has_an_end_or_an_owner_is_no_leak(server: RedisServer) -> None:
    assert leaks(server.client) == []


def test_a_key_of_nobodys_is_a_leak(server: RedisServer) -> None:
    server.client.set("sedano:{celery}:counter", 1)
    server.client.hset("loose", "a", 1)

    assert leaks(server.client) == [
        "loose: a hash without an end and without an owner",
        "sedano:{celery}:counter: a string without an end and without an owner",
    ]


def test_a_key_of_the_wrong_kind_is_a_leak(server: RedisServer) -> None:
    server.client.delete("sedano:{celery}:due")
    server.client.set("sedano:{celery}:due", 1)

    assert leaks(server.client) == ["sedano:{celery}:due: a string without an end and without an owner"]


def test_a_result_without_an_end_is_a_leak_unless_the_test_says_so(server: RedisServer) -> None:
    server.client.set("celery-task-meta-2", "{}")

    assert leaks(server.client) == ["celery-task-meta-2: a string without an end and without an owner"]
    assert leaks(server.client, keeps_results=True) == []


def test_what_is_kept_of_a_chord_without_an_end_is_a_leak(server: RedisServer) -> None:
    client = server.client
    client.set("celery-taskset-meta-g.s", 2, ex=60)
    client.zadd("celery-taskset-meta-g.j", {"[]": 1})
    client.sadd("celery-taskset-meta-g.d", "a:0")
    client.rpush("celery-taskset-meta-h.j", "[]")

    assert leaks(client, keeps_results=True) == [
        "celery-taskset-meta-g.d: a set without an end and without an owner",
        "celery-taskset-meta-g.j: a zset without an end and without an owner",
        "celery-taskset-meta-h.j: a list without an end and without an owner",
    ]


def test_whatever_outlives_its_lease_is_a_leak(server: RedisServer) -> None:
    server.client.zrem("sedano:{nodes}", "w1")

    assert leaks(server.client) == [
        "sedano:{celery}:held:w1: its lease has ended",
        "sedano:{celery}:holders: leases that have ended: ['w1']",
        "sedano:{celery}:inbox:w1: its lease has ended",
        "sedano:{nodes}:w1: its lease has ended",
    ]


def test_a_lease_without_a_node_is_a_leak(server: RedisServer) -> None:
    server.client.delete("sedano:{nodes}:w1")

    assert leaks(server.client) == ["sedano:{nodes}: the lease w1 has no node"]
