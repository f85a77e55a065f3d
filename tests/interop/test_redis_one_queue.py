"""Celery and we around the same queues: together, one after the other, and with what only Celery does."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
from celery import chain, chord, group
from kombu.exceptions import ContentDisallowed

from sedano.brokers.admin import DeadLetter
from sedano.errors import NotSupported
from tests.acceptance.workers import wait_until
from tests.interop.mixed_cluster import MixedCluster, WorkerProcess
from tests.interop.way import PATIENCE, SEDANO_TO_CELERY, Way

pytestmark = pytest.mark.acceptance

Start = Callable[..., WorkerProcess]


def test_two_workers_on_one_queue_run_each_task_once(
    cluster: MixedCluster, start: Start, queue: str, key: str
) -> None:
    workers = [start("celery", "-c", "2", "-Q", queue), start("sedano", "-c", "2", "-Q", queue)]
    for worker in workers:
        worker.wait_until_ready()

    results = [
        cluster.app(client).tasks["shop.work"].apply_async((f"{key}-{number}", 0.01), queue=queue)
        for number in range(100)
        for client in ("celery", "sedano")
        for number in [f"{client}-{number}"]
    ]

    keys = [result.get(timeout=PATIENCE) for result in results]
    runs = {name: count for name, count in cluster.journal.counts("start").items() if key in name}
    assert len(set(keys)) == 200
    assert runs == dict.fromkeys(keys, 1)
    assert len({result.worker for result in results}) == 2


def test_the_lowest_priority_number_runs_first(way: Way, start: Start, queue: str, key: str) -> None:
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


def test_messages_of_one_priority_run_in_their_order(way: Way, start: Start, queue: str, key: str) -> None:
    results = [way.publish("shop.work", f"{key}-{number}", queue=queue) for number in range(10)]

    start(way.worker, "-c", "1", "-Q", queue)

    for result in results:
        result.get(timeout=PATIENCE)
    ran = way.started(key)
    assert ran == [f"{key}-{number}" for number in range(10)]


@pytest.mark.parametrize("way", [SEDANO_TO_CELERY], indirect=True)
def test_a_retry_is_run_by_us(way: Way, key: str) -> None:
    elsewhere = f"to-{way.client}"

    result = way.publish("shop.try_again", key, 1, queue=way.queue, kwargs={"queue": elsewhere})

    assert result.get(timeout=PATIENCE) == 1
    assert len(way.cluster.journal.times("start", key)) == 2
    assert (result.queue, result.retries) == (elsewhere, 1)


def test_what_a_stopped_worker_leaves_is_run_by_the_other_library(
    way: Way, start: Start, queue: str, key: str
) -> None:
    keys = [f"{key}-{number}" for number in range(12)]
    results = [way.publish("shop.work", name, 0.1, queue=queue) for name in keys]
    first = start(way.worker, "-c", "1", "-Q", queue).wait_until_ready()
    wait_until(lambda: len(way.started(key)) >= 2)

    first.stop()
    left = len(way.started(key))
    start(way.client, "-c", "1", "-Q", queue)

    assert [result.get(timeout=PATIENCE) for result in results] == keys
    assert left < len(keys)
    assert sorted(way.started(key)) == sorted(keys)


def test_what_a_killed_worker_held_runs_again(
    cluster: MixedCluster, start: Start, queue: str, key: str
) -> None:
    way = Way(cluster, "celery", "sedano")
    keys = [f"{key}-{number}" for number in range(6)]
    results = [way.publish("shop.work", name, 0.2, queue=queue) for name in keys]
    first = start("sedano", "-c", "2", "-Q", queue, "worker_lease=1").wait_until_ready()
    wait_until(lambda: len(way.started(key)) >= 2)

    first.kill()
    start("sedano", "-c", "2", "-Q", queue, "worker_lease=1")

    assert [result.get(timeout=PATIENCE) for result in results] == keys


def test_each_library_counts_and_purges_what_the_other_published(way: Way, queue: str) -> None:
    for priority in (0, 3, 9):
        way.publish("shop.add", 1, 1, queue=queue, priority=priority)

    if way.worker == "sedano":
        admin = way.cluster.sedano.broker.admin
        assert admin.depth(queue).ready == 3
        assert {message.task for message in admin.peek(queue)} == {"shop.add"}
        assert admin.purge(queue) == 3
        assert admin.depth(queue).ready == 0
    else:
        with way.cluster.celery.connection_for_read() as connection:
            channel = connection.default_channel
            assert channel.queue_declare(queue, passive=True).message_count == 3
            assert channel.queue_purge(queue) == 3


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
        results += [way.publish("shop.add", 2, 3, priority=6) for way in ways]

        assert [result.get(timeout=PATIENCE) for result in results] == [5, 5, 5, 5]
        with redis.Redis.from_url(url) as client:
            assert [name for name in client.scan_iter() if not name.startswith(b"shop:")] == []
    finally:
        cluster.close()


# -- what this version does not do


@pytest.fixture
def marked(cluster: MixedCluster, key: str) -> Iterator[Any]:
    """A call for our worker, by Celery, that must not be run."""
    yield cluster.celery.tasks["shop.work"].s(key).set(queue="to-sedano")
    assert cluster.journal.times("start", key) == []


def test_a_message_with_a_callback_is_buried(cluster: MixedCluster, marked: Any) -> None:
    result = marked.apply_async(link=cluster.celery.tasks["shop.echo"].s())

    assert "callbacks" in _buried(cluster, result.id).reason
    with pytest.raises(NotSupported, match="runs no workflows"):
        result.get(timeout=PATIENCE)


def test_a_message_with_an_error_callback_is_buried(cluster: MixedCluster, marked: Any) -> None:
    result = marked.apply_async(link_error=cluster.celery.tasks["shop.echo"].s())

    assert "errbacks" in _buried(cluster, result.id).reason


def test_the_first_of_a_chain_is_buried(cluster: MixedCluster, marked: Any) -> None:
    result = chain(marked, cluster.celery.tasks["shop.echo"].s()).apply_async()

    assert "chain" in _buried(cluster, result.parent.id).reason


def test_the_members_of_a_chord_are_buried(cluster: MixedCluster, marked: Any) -> None:
    result = chord([marked, marked], cluster.celery.tasks["shop.echo"].s()).apply_async()

    for member in result.parent:
        assert "chord" in _buried(cluster, member.id).reason


def test_a_group_needs_nothing_of_the_worker(cluster: MixedCluster) -> None:
    add = cluster.celery.tasks["shop.add"]

    result = group(add.s(number, 1).set(queue="to-sedano") for number in range(5)).apply_async()

    assert result.get(timeout=PATIENCE) == [1, 2, 3, 4, 5]
    assert result.successful()


def test_a_message_in_a_content_type_that_is_not_accepted_is_buried(
    cluster: MixedCluster, marked: Any
) -> None:
    result = marked.apply_async(serializer="pickle")

    assert "ContentDisallowed" in _buried(cluster, result.id).reason
    with pytest.raises(ContentDisallowed):
        result.get(timeout=PATIENCE)


def test_a_value_that_is_no_message_is_out_of_the_way(cluster: MixedCluster, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.lpush("to-sedano", b"no message", b"[]", b'{"body": "AA"}')

    result = Way(cluster, "celery", "sedano").publish("shop.add", 2, 3)

    assert result.get(timeout=PATIENCE) == 5
    wait_until(lambda: cluster.sedano.broker.admin.depth("to-sedano").claimed == 0)
    assert cluster.sedano.broker.admin.depth("to-sedano").ready == 0


def test_a_task_that_we_do_not_know_is_set_aside(cluster: MixedCluster) -> None:
    name = f"elsewhere.{uuid4().hex}"
    parked = cluster.sedano.broker.admin.depth("to-sedano").parked

    result = cluster.celery.send_task(name, queue="to-sedano")

    admin = cluster.sedano.broker.admin
    wait_until(lambda: admin.depth("to-sedano").parked == parked + 1)
    found = admin.find(result.id)
    assert found is not None
    assert (found.task, found.state) == (name, "parked")


def _buried(cluster: MixedCluster, task_id: str) -> DeadLetter:
    """The dead letter of this task, once it is there."""
    found: list[DeadLetter] = []

    def is_there() -> bool:
        letters = cluster.sedano.broker.admin.dead_letters(limit=1000)
        found[:] = [letter for letter in letters if letter.task_id == task_id]
        return bool(found)

    wait_until(is_there, what="the message is buried")
    return found[0]
