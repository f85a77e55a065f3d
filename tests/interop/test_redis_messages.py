"""What is Redis' own in the messages that Celery and we exchange over it: their form, keys and priorities."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import exceptions as celerys

from tests.acceptance.workers import wait_until
from tests.interop.dead_letters import buried
from tests.interop.mixed_cluster import MixedCluster, WorkerProcess
from tests.interop.way import PATIENCE, Way

pytestmark = pytest.mark.acceptance


@pytest.fixture
def cluster(redis_cluster: MixedCluster) -> MixedCluster:
    """Messages in Redis."""
    return redis_cluster


def test_the_lowest_priority_number_runs_first(
    way: Way, start: Callable[..., WorkerProcess], queue: str, key: str
) -> None:
    results = [
        way.publish("shop.work", f"{key}-{number}", queue=queue, priority=number)
        for number in (9, 5, 0, 6, 3)
    ]

    start(way.worker, "-c", "1", "-Q", queue)

    for result in results:
        result.get(timeout=PATIENCE)
    ran = way.started(key)
    # Steps of three, as in Celery; first come, first served in each.
    assert [int(name.rpartition("-")[2]) for name in ran] == [0, 5, 3, 6, 9]


@pytest.mark.parametrize("value", ["half a pair \ud800", float("nan"), float("-inf")])
def test_headers_that_only_python_reads_as_json_are_read(way: Way, value: Any) -> None:
    told = way.publish("shop.describe", headers={"colour": value}).get(timeout=PATIENCE)

    assert repr(told["colour"]) == repr(value)


def test_a_key_prefix_is_kept_by_both(redis_url: str, tmp_path: Path) -> None:
    url = redis_url.replace("/0", "/1")
    prefix = {"global_keyprefix": "shop:"}
    settings = {"broker_transport_options": prefix, "result_backend_transport_options": prefix}
    cluster = MixedCluster(url, tmp_path, settings)
    try:
        for library in ("celery", "sedano"):
            cluster.start(library, "-c", "1", "-Q", f"to-{library}")

        ways = [Way(cluster, "celery", "sedano"), Way(cluster, "sedano", "celery")]
        results = [way.publish("shop.add", 2, 3) for way in ways]
        results += [way.publish("shop.add", 2, 3, countdown=0.2, priority=6) for way in ways]

        assert [result.get(timeout=PATIENCE) for result in results] == [5, 5, 5, 5]
        with redis.Redis.from_url(url) as client:
            assert [name for name in client.scan_iter() if not name.startswith(b"shop:")] == []
    finally:
        cluster.close()


@pytest.mark.parametrize("damage", [{"properties": None}, {"body": 5}, {"body": "W10="}, {"body": "/w=="}])
def test_the_caller_of_a_damaged_message_is_told(
    cluster: MixedCluster, redis_url: str, key: str, damage: dict[str, Any]
) -> None:
    message = {
        "body": "W1sxXSwge30sIHt9XQ==",
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {"task": "shop.echo", "id": key},
        "properties": {"body_encoding": "base64", "delivery_tag": "t", "delivery_info": {}},
    }
    with redis.Redis.from_url(redis_url) as client:
        client.lpush("to-sedano", json.dumps({**message, **damage}))

    with pytest.raises(celerys.InvalidTaskError):
        cluster.celery.AsyncResult(key).get(timeout=PATIENCE)
    assert "MalformedMessage" in buried(cluster, key).reason


def test_a_value_that_is_no_message_is_out_of_the_way(cluster: MixedCluster, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.lpush("to-sedano", b"no message", b"[]", b'{"body": "AA"}')

    result = Way(cluster, "celery", "sedano").publish("shop.add", 2, 3)

    assert result.get(timeout=PATIENCE) == 5
    wait_until(lambda: cluster.sedano.broker.admin.depth("to-sedano").claimed == 0)
    assert cluster.sedano.broker.admin.depth("to-sedano").ready == 0
