"""What is RabbitMQ's own in the messages that Celery and we exchange, and what else may lie in queues."""

from typing import Any

import amqp
import pytest
from celery import exceptions as celerys
from kombu.exceptions import ContentDisallowed

from tests.interop.dead_letters import buried
from tests.interop.mixed_cluster import MixedCluster
from tests.interop.way import PATIENCE, Way

pytestmark = pytest.mark.acceptance


@pytest.fixture
def cluster(rabbitmq_cluster: MixedCluster) -> MixedCluster:
    """Messages in RabbitMQ, results in Redis."""
    return rabbitmq_cluster


@pytest.mark.parametrize(
    "value", ["ä \U0001f600", "", 7, -(2**40), 1.5, True, None, ["a", 1], {"deep": {"er": [1, None]}}]
)
def test_headers_of_every_kind_are_read(way: Way, value: Any) -> None:
    told = way.publish("shop.describe", headers={"colour": value}).get(timeout=PATIENCE)

    assert told["colour"] == value


def test_a_large_message_is_read(way: Way) -> None:
    # More than one frame of 128 KiB, in both directions.
    text = "0123456789" * 100_000

    assert way.publish("shop.echo", text).get(timeout=PATIENCE) == text


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param({"body": b"[]"}, id="no call"),
        pytest.param({"body": b""}, id="nothing"),
        pytest.param({"body": b"\xff\xfe"}, id="no text"),
        pytest.param({"content_type": None}, id="no content type"),
    ],
)
def test_the_caller_of_a_damaged_message_is_told(
    cluster: MixedCluster, key: str, damage: dict[str, Any]
) -> None:
    _put(cluster, **{"application_headers": {"task": "shop.echo", "id": key}, **damage})

    with pytest.raises((celerys.InvalidTaskError, ContentDisallowed)):
        cluster.celery.AsyncResult(key).get(timeout=PATIENCE)
    assert buried(cluster, key)


@pytest.mark.parametrize(
    "properties",
    [
        pytest.param({"content_type": None, "content_encoding": None, "body": b"no message"}, id="bare text"),
        pytest.param({"application_headers": {}}, id="no headers"),
        pytest.param({"application_headers": {"task": 5, "id": ["x"]}}, id="odd headers"),
        pytest.param({"application_headers": {"task": "shop.add"}}, id="no id"),
    ],
)
def test_what_is_no_message_is_out_of_the_way(cluster: MixedCluster, properties: dict[str, Any]) -> None:
    _put(cluster, **properties)

    result = Way(cluster, "celery", "sedano").publish("shop.add", 2, 3)

    assert result.get(timeout=PATIENCE) == 5
    assert cluster.sedano.broker.admin.depth("to-sedano").ready == 0


def _put(cluster: MixedCluster, *, body: bytes = b"[[1], {}, {}]", **properties: Any) -> None:
    """Put something into the queue of our worker, by hand."""
    _, _, rest = cluster.url.partition("@")
    host, _, vhost = rest.partition("/")
    sent = {"content_type": "application/json", "content_encoding": "utf-8", **properties}
    with amqp.Connection(host, virtual_host=vhost) as connection:
        channel = connection.channel()
        channel.basic_publish(amqp.Message(body, **sent), routing_key="to-sedano")
        # Whoever closes a channel is answered when what was sent before is done.
        channel.close()
