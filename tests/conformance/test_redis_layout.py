"""Celery's transport options move the keys to where Celery's producers and workers look for them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sedano.brokers.opening import open_broker
from sedano.brokers.settlement import Bury, Finish, Requeue
from sedano.testing.broker_cases.fixtures import begin_lease, ids_of
from sedano.testing.messages import publication
from tests.servers.redis_server import RedisServer


def keys(server: RedisServer) -> set[str]:
    return {key.decode() for key in server.client.scan_iter()}


def published_everywhere(server: RedisServer, **options: Any) -> Mapping[str, int]:
    """Publish one message of each priority; how many are in each list."""
    broker = open_broker(server.url, options=options)
    broker.publish([publication(f"{priority}", priority=priority) for priority in range(10)])
    lists = {key: server.client.llen(key) for key in keys(server) if server.client.type(key) == b"list"}
    lease = begin_lease(broker)
    assert ids_of(lease.claim(["celery"], 20)) == [str(priority) for priority in range(10)]
    lease.end()
    broker.close()
    return lists


def test_priorities_share_four_lists_as_they_do_in_celery(server: RedisServer) -> None:
    assert published_everywhere(server) == {
        "celery": 3,
        "celery\x06\x163": 3,
        "celery\x06\x166": 3,
        "celery\x06\x169": 1,
    }


def test_the_separator_is_between_a_queue_and_its_priority(server: RedisServer) -> None:
    lists = published_everywhere(server, sep=":")

    assert lists == {"celery": 3, "celery:3": 3, "celery:6": 3, "celery:9": 1}


def test_the_steps_say_which_priorities_share_a_list(server: RedisServer) -> None:
    lists = published_everywhere(server, priority_steps=[0, 5])

    assert lists == {"celery": 5, "celery\x06\x165": 5}


def test_a_prefix_is_in_front_of_every_key(server: RedisServer) -> None:
    broker = open_broker(server.url, options={"global_keyprefix": "shop:"})
    broker.publish([publication(name) for name in "abcd"])
    lease = begin_lease(broker)
    first, second, third, _ = lease.claim(["celery"], 4).deliveries
    lease.claim([], 0, [Requeue(first.tag, due=4e9), Bury(second.tag, "broken"), Requeue(third.tag)])
    broker.admin.pause("mail")

    found = keys(server)
    assert {"shop:celery", "shop:sedano:{shop:celery}:due", "shop:sedano:{shop:celery}:dead"} <= found
    assert "shop:sedano:{nodes}" in found
    assert all(key.startswith("shop:") for key in found)
    assert not lease.wait(["mail"], 0.01)
    assert lease.wait(["celery"], 10)
    assert ids_of(lease.claim(["celery"], 10)) == ["c"]
    assert [letter.task_id for letter in broker.admin.dead_letters()] == ["b"]
    broker.close()
    server.client.flushall()  # the search for leaks knows no prefixes


def test_prefixes_keep_applications_apart(server: RedisServer) -> None:
    shop = open_broker(server.url, options={"global_keyprefix": "shop:"})
    bank = open_broker(server.url, options={"global_keyprefix": "bank:"})
    shop.publish([publication("of the shop")])
    bank.publish([publication("of the bank")])
    dead = shop.lease("w1@host", duration=timedelta(seconds=0))
    lease = begin_lease(bank)

    claimed = lease.claim(["celery"], 10)
    lease.recover_dead()

    assert ids_of(claimed) == ["of the bank"]
    assert lease.claim([], 0, [Finish(claimed.deliveries[0].tag)]).lost == []
    assert [node.incarnation for node in shop.admin.nodes()] == [dead.incarnation]
    assert bank.admin.queues() == []
    assert shop.admin.queues() == ["celery"]
    shop.close()
    bank.close()
    server.client.flushall()  # as above
