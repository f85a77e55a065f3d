"""Exchanges, bindings and arguments of queues as both libraries declare them in RabbitMQ, and what follows.

Every queue here is declared by clients and workers of both: RabbitMQ refuses a declaration that differs.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any, Final
from uuid import uuid4

import pytest
from celery import chain as celerys_chain

from sedano import chain
from tests.acceptance.workers import wait_until
from tests.interop.conftest import ClusterOpener
from tests.interop.mixed_cluster import LIBRARIES, Library, MixedCluster, WorkerProcess
from tests.interop.shop import QueueSpec
from tests.interop.way import PATIENCE, Way
from tests.servers.rabbitmq_server import RabbitServer

pytestmark = pytest.mark.acceptance

#: What the workers consume; ``{}`` stands for the library.
CONSUMED: Final = ("to-{}", "quorum-{}", "topic-{}", "direct-{}", "fanout-{}", "everybody")


# Celery binds queues for due times by the end of their routing keys: none here may end with another one.
def _queues(library: Library) -> list[QueueSpec]:
    return [
        (f"quorum-{library}", "quorum", "topic", f"{library}.quorum", {"x-queue-type": "quorum"}),
        (f"topic-{library}", "goods", "topic", f"fruit.{library}.#", {}),
        (f"direct-{library}", "doors", "direct", f"door-{library}", {"x-max-length": 1000}),
        (f"fanout-{library}", "news", "fanout", "", {}),
        (f"urgent-{library}", "urgent", "direct", f"urgent-{library}", {"x-max-priority": 10}),
        (f"idle-{library}", "quorum", "topic", f"{library}.idle", {"x-queue-type": "quorum"}),
    ]


SETTINGS: Final[dict[str, Any]] = {
    "queues": [
        ("everybody", "", "broadcast", "", {}),
        *(queue for library in LIBRARIES for queue in _queues(library)),
    ],
    "task_routes": {
        "shop.echo": {"exchange": "doors", "routing_key": "door-sedano"},
        "shop.total": {"queue": "topic-celery"},
    },
}


@pytest.fixture(scope="module")
def declared_cluster(
    open_cluster: ClusterOpener, rabbitmq: RabbitServer, redis_url: str
) -> Iterator[MixedCluster]:
    """Applications with ``task_queues``, one worker of each library."""
    url = rabbitmq.new_vhost()
    with open_cluster(url, consumed=CONSUMED, settings=SETTINGS, backend=redis_url) as cluster:
        yield cluster
    rabbitmq.give_back(url)


@pytest.fixture
def cluster(declared_cluster: MixedCluster) -> MixedCluster:
    """The same."""
    return declared_cluster


@pytest.fixture(params=LIBRARIES)
def client(request: pytest.FixtureRequest) -> Library:
    """Whose client publishes."""
    library: Library = request.param
    return library


# -- exchanges


@pytest.mark.parametrize("queue", ["quorum-{}", "topic-{}", "direct-{}"])
def test_a_queue_gets_messages_through_its_exchange(way: Way, queue: str) -> None:
    told = way.publish("shop.describe", queue=queue.format(way.worker)).get(timeout=PATIENCE)

    assert told["parent_id"] is None


def test_a_topic_exchange_looks_at_the_routing_key(way: Way) -> None:
    key = f"fruit.{way.worker}.apples.red"

    result = way.publish("shop.describe", queue=None, exchange="goods", routing_key=key)

    assert result.get(timeout=PATIENCE)["queue"] == key


def test_routes_name_exchanges_and_queues(cluster: MixedCluster, client: Library) -> None:
    tasks = cluster.app(client).tasks

    results = [tasks["shop.echo"].delay("in the door"), tasks["shop.total"].delay([1, 2])]

    assert [result.get(timeout=PATIENCE) for result in results] == ["in the door", 3]
    assert [_ran_at(result) for result in results] == ["sedano", "celery"]


def test_a_workers_next_steps_are_routed(cluster: MixedCluster, client: Library) -> None:
    steps = [cluster.app(client).tasks[name] for name in ("shop.echo", "shop.total", "shop.echo")]
    first, second, third = steps
    together = celerys_chain if client == "celery" else chain

    result = together(first.s([1, 2]), second.s(), third.s()).apply_async()

    # A worker may store a step's result after it published the next one.
    in_order = [result.parent.parent, result.parent, result]
    assert [one.get(timeout=PATIENCE) for one in in_order] == [[1, 2], 3, 3]
    assert [_ran_at(one) for one in in_order] == ["sedano", "celery", "sedano"]


@pytest.mark.parametrize("queue", ["fanout-{}", "everybody"])
def test_a_fanout_exchange_brings_a_message_to_every_worker(
    cluster: MixedCluster, client: Library, queue: str, key: str
) -> None:
    work = cluster.app(client).tasks["shop.work"]

    work.apply_async((key,), queue=queue.format(client), ignore_result=True)

    wait_until(lambda: len(cluster.journal.times("done", key)) == 2, what="both workers have run it")
    assert len({pid for word, name, pid, _ in cluster.journal.lines() if name == key}) == 2


def _ran_at(result: Any) -> Library:
    """Whose worker ran it."""
    return "celery" if result.worker.startswith("celery-") else "sedano"


# -- priorities


def test_the_highest_priority_number_runs_first(
    way: Way, start: Callable[..., WorkerProcess], key: str
) -> None:
    queue = f"urgent-{way.worker}"
    results = [
        way.publish("shop.work", f"{key}-{number}", queue=queue, priority=number)
        for number in (0, 5, 9, 3, 10, 5)
    ]

    start(way.worker, "-c", "1", "-Q", queue)

    for result in results:
        result.get(timeout=PATIENCE)
    ran = [int(name.rpartition("-")[2]) for name in way.started(key)]
    assert ran == [10, 9, 5, 5, 3, 0]


# -- due times: RabbitMQ keeps the messages, in the queues and exchanges that Celery declares for it


def test_a_countdown_is_kept(way: Way, key: str) -> None:
    published = time.time()

    way.publish("shop.work", key, queue=f"quorum-{way.worker}", countdown=1.5).get(timeout=PATIENCE)

    [started] = way.cluster.journal.times("start", key)
    assert 1.5 <= started - published < 20


def test_a_retry_waits_in_the_server(way: Way, key: str) -> None:
    published = time.time()

    result = way.publish("shop.try_again", key, 2, queue=f"quorum-{way.worker}", kwargs={"seconds": 1.2})

    assert result.get(timeout=PATIENCE) == 2
    first, second, third = way.cluster.journal.times("start", key)
    assert first - published < 20
    assert 1.2 <= second - first < 20
    assert 1.2 <= third - second < 20


def test_what_is_due_while_no_worker_runs_is_kept(
    way: Way, start: Callable[..., WorkerProcess], key: str
) -> None:
    queue = f"idle-{way.worker}"
    # Celery's client counts on a worker to have bound the queue.
    first = start(way.worker, "-c", "1", "-Q", queue)
    assert way.publish("shop.add", 2, 3, queue=queue).get(timeout=PATIENCE) == 5
    first.kill()
    published = time.time()
    result = way.publish("shop.work", key, queue=queue, countdown=1.5)
    wait_until(lambda: time.time() > published + 2.0, what="it is due")

    start(way.worker, "-c", "1", "-Q", queue)

    assert result.get(timeout=PATIENCE) == key


def test_two_workers_on_one_quorum_queue_keep_every_eta(
    cluster: MixedCluster, start: Callable[..., WorkerProcess], key: str
) -> None:
    queue = "idle-celery"
    workers = [start(library, "-c", "2", "-Q", queue) for library in LIBRARIES]
    for worker in workers:
        worker.wait_until_ready()
    due: dict[str, float] = {}
    for number in range(10):
        for client in LIBRARIES:
            name = f"{key}-{client}-{number}"
            due[name] = time.time() + 1.0 + number / 7
            work = cluster.app(client).tasks["shop.work"]
            work.apply_async((name,), queue=queue, countdown=1.0 + number / 7)

    wait_until(lambda: all(cluster.journal.times("done", name) for name in due))

    for name, moment in due.items():
        [started] = cluster.journal.times("start", name)
        assert 0.0 <= started - moment < 20


# -- queues that are there already


def test_a_queue_with_other_arguments_is_used_as_it_is(
    cluster: MixedCluster, start: Callable[..., WorkerProcess]
) -> None:
    queue = f"odd-{uuid4().hex}"
    with cluster.celery.connection_for_write() as connection:
        connection.default_channel.queue_declare(
            queue, durable=True, auto_delete=False, arguments={"x-message-ttl": 600_000}
        )

    result = cluster.sedano.tasks["shop.add"].apply_async((2, 3), queue=queue)
    worker = start("sedano", "-c", "1", "-Q", queue)

    assert result.get(timeout=PATIENCE) == 5
    assert worker.text().count(queue) > 0
