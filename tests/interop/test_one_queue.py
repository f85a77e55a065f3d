"""Celery and we around the same queues of each broker: together, and one after the other."""

import time
from collections.abc import Callable
from uuid import uuid4

import pytest
from kombu.exceptions import ContentDisallowed

from tests.acceptance.workers import wait_until
from tests.interop.dead_letters import buried
from tests.interop.mixed_cluster import LIBRARIES, MixedCluster, WorkerProcess
from tests.interop.way import PATIENCE, Way

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


def test_two_workers_on_one_queue_keep_every_eta(
    cluster: MixedCluster, start: Start, queue: str, key: str
) -> None:
    for worker in [start("celery", "-c", "2", "-Q", queue), start("sedano", "-c", "2", "-Q", queue)]:
        worker.wait_until_ready()
    due: dict[str, float] = {}
    for number in range(10):
        for client in LIBRARIES:
            name = f"{key}-{client}-{number}"
            due[name] = time.time() + 1.0
            cluster.app(client).tasks["shop.work"].apply_async((name,), queue=queue, countdown=1.0)

    wait_until(lambda: all(cluster.journal.times("done", name) for name in due))

    for name, moment in due.items():
        [started] = cluster.journal.times("start", name)
        assert 0.0 <= started - moment < 20


def test_an_eta_that_a_stopped_worker_of_celerys_held_is_kept(
    cluster: MixedCluster, start: Start, queue: str, key: str
) -> None:
    depth = cluster.sedano.broker.admin.depth
    due: dict[str, float] = {}
    worker = start("celery", "-c", "1", "-Q", queue).wait_until_ready()
    for client in LIBRARIES:
        due[f"{key}-{client}"] = time.time() + 3.0
        cluster.app(client).tasks["shop.work"].apply_async((f"{key}-{client}",), queue=queue, countdown=3.0)
    wait_until(lambda: depth(queue).ready == 0)

    worker.stop()
    assert depth(queue).ready >= 1
    start("sedano", "-c", "1", "-Q", queue)

    wait_until(lambda: all(cluster.journal.times("done", name) for name in due))
    for name, moment in due.items():
        [started] = cluster.journal.times("start", name)
        assert 0.0 <= started - moment < 20


def test_messages_of_one_priority_run_in_their_order(way: Way, start: Start, queue: str, key: str) -> None:
    results = [way.publish("shop.work", f"{key}-{number}", queue=queue) for number in range(10)]

    start(way.worker, "-c", "1", "-Q", queue)

    for result in results:
        result.get(timeout=PATIENCE)
    ran = way.started(key)
    assert ran == [f"{key}-{number}" for number in range(10)]


def test_a_retry_is_run_by_the_other_library(way: Way, key: str) -> None:
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


# -- what is no call for us


def test_a_message_in_a_content_type_that_is_not_accepted_is_buried(cluster: MixedCluster, key: str) -> None:
    result = cluster.celery.tasks["shop.work"].apply_async((key,), queue="to-sedano", serializer="pickle")

    with pytest.raises(ContentDisallowed):
        result.get(timeout=PATIENCE)
    assert "ContentDisallowed" in buried(cluster, result.id).reason
    assert cluster.journal.times("start", key) == []


def test_a_task_that_we_do_not_know_is_set_aside(cluster: MixedCluster) -> None:
    name = f"elsewhere.{uuid4().hex}"

    result = cluster.celery.send_task(name, queue="to-sedano")

    def is_parked() -> bool:
        found = cluster.sedano.broker.admin.find(result.id)
        return found is not None and (found.task, found.state) == (name, "parked")

    wait_until(is_parked, what="the message is parked")
