"""Celery's workflows with our workers in them: what needs nothing of a worker is run, the rest is refused."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from celery import chain, chord, group
from celery.result import GroupResult

from sedano.errors import NotSupported
from tests.interop.dead_letters import buried
from tests.interop.mixed_cluster import LIBRARIES, MixedCluster
from tests.interop.shop import OutOfStock
from tests.interop.way import PATIENCE

pytestmark = pytest.mark.acceptance


# -- groups: messages with a group's id


def test_a_group_is_gathered_from_workers_of_both(cluster: MixedCluster, redis_url: str) -> None:
    add = cluster.celery.tasks["shop.add"]
    queues = [f"to-{library}" for library in LIBRARIES] * 3

    result = group(add.s(number, 1).set(queue=queue) for number, queue in enumerate(queues)).apply_async()

    assert result.get(timeout=PATIENCE) == [1, 2, 3, 4, 5, 6]
    assert result.successful()
    assert result.completed_count() == 6
    for member in result:
        assert cluster.sedano.AsyncResult(member.id).get(timeout=PATIENCE) == member.get()
        assert _document(redis_url, f"celery-task-meta-{member.id}")["group_id"] == result.id


@pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")  # by Celery
def test_a_saved_group_is_restored(cluster: MixedCluster) -> None:
    add = cluster.celery.tasks["shop.add"]
    result = group(add.s(number, 1).set(queue="to-sedano") for number in range(3)).apply_async()
    result.save()

    restored = GroupResult.restore(result.id, app=cluster.celery)

    assert restored.get(timeout=PATIENCE) == [1, 2, 3]
    result.delete()


def test_a_group_fails_with_its_member(cluster: MixedCluster) -> None:
    tasks = cluster.celery.tasks
    result = group(
        tasks["shop.add"].s(1, 1).set(queue="to-sedano"),
        tasks["shop.take"].s("pears", 3).set(queue="to-sedano"),
    ).apply_async()

    with pytest.raises(OutOfStock):
        result.get(timeout=PATIENCE)

    assert [member.state for member in result] == ["SUCCESS", "FAILURE"]


def test_celery_gathers_what_we_published(cluster: MixedCluster) -> None:
    add = cluster.sedano.tasks["shop.add"]
    queues = [f"to-{library}" for library in LIBRARIES] * 2

    published = [add.apply_async((number, 1), queue=queue) for number, queue in enumerate(queues)]
    members = [cluster.celery.AsyncResult(result.id) for result in published]

    assert GroupResult("ours", members, app=cluster.celery).get(timeout=PATIENCE) == [1, 2, 3, 4]


# -- the last step of a workflow: a plain message


def test_the_last_step_of_a_chain_is_run(cluster: MixedCluster) -> None:
    add = cluster.celery.tasks["shop.add"]

    result = chain(add.s(1, 2).set(queue="to-celery"), add.s(3).set(queue="to-sedano")).apply_async()

    assert result.get(timeout=PATIENCE) == 6
    assert result.parent.get(timeout=PATIENCE) == 3


def test_a_callback_is_run(cluster: MixedCluster) -> None:
    add, echo = cluster.celery.tasks["shop.add"], cluster.celery.tasks["shop.echo"]

    result = add.apply_async((1, 2), queue="to-celery", link=echo.s().set(queue="to-sedano"))

    assert result.get(timeout=PATIENCE) == 3
    assert [child.get(timeout=PATIENCE) for child in result.children] == [3]


def test_the_body_of_a_chord_is_run(cluster: MixedCluster) -> None:
    add, total = cluster.celery.tasks["shop.add"], cluster.celery.tasks["shop.total"]
    header = [add.s(number, 1).set(queue="to-celery") for number in range(3)]

    result = chord(header, total.s().set(queue="to-sedano")).apply_async()

    assert result.get(timeout=PATIENCE) == 6


# -- what this version does not do: it says so, and nobody waits for ever


@pytest.fixture
def marked(cluster: MixedCluster, key: str) -> Iterator[Any]:
    """A call for our worker, by Celery, that must not be run."""
    yield cluster.celery.tasks["shop.work"].s(key).set(queue="to-sedano")
    assert cluster.journal.times("start", key) == []


@pytest.mark.parametrize(("option", "part"), [("link", "callbacks"), ("link_error", "errbacks")])
def test_a_message_with_a_callback_is_buried(
    cluster: MixedCluster, marked: Any, option: str, part: str
) -> None:
    result = marked.apply_async(**{option: cluster.celery.tasks["shop.echo"].s()})

    with pytest.raises(NotSupported, match="runs no workflows"):
        result.get(timeout=PATIENCE)
    assert part in buried(cluster, result.id).reason


def test_the_first_of_a_chain_is_buried(cluster: MixedCluster, marked: Any) -> None:
    result = chain(marked, cluster.celery.tasks["shop.echo"].s()).apply_async()

    with pytest.raises(NotSupported, match="runs no workflows"):
        result.get(timeout=PATIENCE)
    assert "chain" in buried(cluster, result.parent.id).reason


def test_the_members_of_a_chord_are_buried(cluster: MixedCluster, marked: Any) -> None:
    result = chord([marked, marked], cluster.celery.tasks["shop.echo"].s()).apply_async()

    with pytest.raises(NotSupported, match="runs no workflows"):
        result.get(timeout=PATIENCE)
    for member in result.parent:
        assert "chord" in buried(cluster, member.id).reason


def _document(url: str, key: str) -> Any:
    with redis.Redis.from_url(url) as client:
        return json.loads(client.get(key))  # type: ignore[arg-type]
