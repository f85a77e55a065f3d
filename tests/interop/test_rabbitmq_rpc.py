"""Results that come back through RabbitMQ (``rpc://``): each library's client reads the other's worker's.

A result is a message to the queue of the process that has called the task, and to nobody else.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import celery
import pytest
from celery import exceptions as celerys

import sedano
from sedano import exceptions as ours
from sedano.errors import NotSupported
from tests.acceptance.workers import wait_until
from tests.interop.conftest import ClusterOpener
from tests.interop.mixed_cluster import MixedCluster
from tests.interop.shop import OutOfStock
from tests.interop.way import PATIENCE, SEDANO_TO_CELERY, Way
from tests.servers.rabbitmq_server import RabbitServer

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def rpc_cluster(open_cluster: ClusterOpener, rabbitmq: RabbitServer) -> Iterator[MixedCluster]:
    """Messages and results in RabbitMQ."""
    url = rabbitmq.new_vhost()
    with open_cluster(url, backend="rpc://") as cluster:
        yield cluster
    rabbitmq.give_back(url)


@pytest.fixture
def cluster(rpc_cluster: MixedCluster) -> MixedCluster:
    """The same."""
    return rpc_cluster


@pytest.fixture
def canvas(way: Way) -> ModuleType:
    """The client's library."""
    return celery if way.client == "celery" else sedano


def test_a_result_comes_back_to_the_client(way: Way) -> None:
    result = way.publish("shop.add", 2, 3)

    assert result.get(timeout=PATIENCE) == 5
    assert result.get(timeout=PATIENCE) == 5
    assert (result.state, result.successful()) == ("SUCCESS", True)


def test_many_results_come_back_in_any_order(way: Way) -> None:
    results = [way.publish("shop.add", number, 1) for number in range(100)]

    gathered = [result.get(timeout=PATIENCE) for result in reversed(results)]

    assert gathered == list(range(100, 0, -1))


@pytest.mark.parametrize("way", [SEDANO_TO_CELERY], indirect=True)
def test_our_client_sees_a_state_without_waiting(way: Way) -> None:
    result = way.publish("shop.echo", {"when": datetime(2026, 11, 22, tzinfo=UTC)})

    wait_until(lambda: result.state == "SUCCESS")

    assert result.result == {"when": datetime(2026, 11, 22, tzinfo=UTC)}


def test_an_error_of_the_users_own_is_rebuilt(way: Way) -> None:
    result = way.publish("shop.take", "pears", 3)

    with pytest.raises(OutOfStock) as raised:
        result.get(timeout=PATIENCE)

    assert (raised.value.item, raised.value.missing) == ("pears", 3)
    assert result.state == "FAILURE"
    assert "raise OutOfStock(item, missing)" in result.traceback


def test_an_expired_task_says_so(way: Way, key: str) -> None:
    result = way.publish("shop.work", key, expires=datetime(2026, 1, 1, tzinfo=UTC))

    with pytest.raises((celerys.TaskRevokedError, ours.TaskRevokedError)):
        result.get(timeout=PATIENCE)


def test_a_state_of_the_users_own_is_heard_while_the_task_runs(way: Way, tmp_path: Path) -> None:
    released = tmp_path / "released"
    heard: list[tuple[str, Any]] = []

    def listen(meta: Any) -> None:
        heard.append((meta["status"], meta["result"]))
        released.touch()

    result = way.publish("shop.count_up", str(released))

    assert result.get(timeout=PATIENCE, on_message=listen) == "finished"
    assert heard[0] == ("PROGRESS", {"current": 1, "total": 2})


def test_a_retried_task_answers_at_its_end(way: Way, key: str) -> None:
    result = way.publish("shop.try_again", key, 2)

    assert result.get(timeout=PATIENCE) == 2


def test_a_retry_in_the_other_library_answers(way: Way, key: str) -> None:
    result = way.publish("shop.try_again", key, 1, kwargs={"queue": f"to-{way.client}"})

    assert result.get(timeout=PATIENCE) == 1


def test_who_waits_too_short_a_time_is_told(way: Way, tmp_path: Path) -> None:
    released = tmp_path / "released"
    result = way.publish("shop.hold", str(released))

    with pytest.raises((celerys.TimeoutError, ours.TimeoutError)):
        result.get(timeout=0.2)
    released.touch()

    assert result.get(timeout=PATIENCE) == "released"


def test_an_ignored_result_is_not_sent(way: Way, key: str) -> None:
    result = way.publish("shop.work", key, ignore_result=True)
    wait_until(lambda: way.cluster.journal.times("done", key))
    for _ in range(4):
        way.publish("shop.add", 1, 1).get(timeout=PATIENCE)

    assert result.state == "PENDING"


def test_a_group_is_gathered_from_workers_of_both(way: Way, canvas: Any) -> None:
    add = way.cluster.app(way.client).tasks["shop.add"]
    queues = ["to-celery", "to-sedano"] * 3

    result = canvas.group(
        add.s(number, 1).set(queue=queue) for number, queue in enumerate(queues)
    ).apply_async()

    assert result.get(timeout=PATIENCE) == [1, 2, 3, 4, 5, 6]


def test_the_last_step_of_a_chain_answers(way: Way, canvas: Any) -> None:
    add = way.cluster.app(way.client).tasks["shop.add"]
    queues = ["to-celery", "to-sedano", "to-celery"]
    first, *others = (add.s(number).set(queue=queue) for number, queue in enumerate(queues))

    result = canvas.chain(first.clone((10,)), *others).apply_async()

    assert result.get(timeout=PATIENCE) == 13


def test_a_chord_is_refused(way: Way, canvas: Any) -> None:
    add, total = (way.cluster.app(way.client).tasks[f"shop.{name}"] for name in ("add", "total"))

    with pytest.raises((NotImplementedError, NotSupported), match="chord"):
        canvas.chord([add.s(1, 1), add.s(2, 2)], total.s()).apply_async()


def test_another_process_knows_nothing_of_a_result(way: Way) -> None:
    result = way.publish("shop.add", 2, 3)
    assert result.get(timeout=PATIENCE) == 5

    assert way.cluster.app(way.worker).AsyncResult(result.id).state == "PENDING"
