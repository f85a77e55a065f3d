"""Messages of Celery's protocol 1 over each broker: what clients send that are set up for Celery 3."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from billiard.exceptions import TimeLimitExceeded
from celery import exceptions as celerys
from celery import group
from kombu.exceptions import ContentDisallowed

from tests.acceptance.workers import wait_until
from tests.interop.dead_letters import buried
from tests.interop.mixed_cluster import MixedCluster
from tests.interop.way import PATIENCE

pytestmark = pytest.mark.acceptance


def test_a_call_is_run(cluster: MixedCluster, key: str) -> None:
    tasks = cluster.celery_1.tasks

    added = tasks["shop.add"].apply_async((2, 3), queue="to-sedano")
    retried = tasks["shop.try_again"].apply_async((key, 2), queue="to-sedano")

    assert (added.get(timeout=PATIENCE), retried.get(timeout=PATIENCE)) == (5, 2)


@pytest.mark.parametrize("compression", [None, "gzip", "bzip2"])
@pytest.mark.parametrize("serializer", ["json", "msgpack", "yaml"])
def test_a_call_is_run_however_it_is_packed(
    cluster: MixedCluster, serializer: str, compression: str | None
) -> None:
    result = cluster.celery_1.tasks["shop.add"].apply_async(
        (2, 3), queue="to-sedano", serializer=serializer, compression=compression
    )

    assert result.get(timeout=PATIENCE) == 5


def test_the_request_says_what_the_client_said(cluster: MixedCluster) -> None:
    result = cluster.celery_1.tasks["shop.describe"].apply_async(
        (1,), {"two": 2}, queue="to-sedano", headers={"colour": "red"}, time_limit=40, soft_time_limit=30
    )

    told = result.get(timeout=PATIENCE)

    assert told["id"] == told["root_id"] == told["correlation_id"] == result.id
    assert (told["argsrepr"], told["kwargsrepr"]) == ("(1,)", "{'two': 2}")
    assert (told["colour"], told["timelimit"], told["queue"]) == ("red", [40, 30], "to-sedano")


@pytest.mark.parametrize("serializer", ["json", "msgpack"])
def test_an_eta_is_kept(cluster: MixedCluster, key: str, serializer: str) -> None:
    published = time.time()
    work = cluster.celery_1.tasks["shop.work"]
    result = work.apply_async((key,), queue="to-sedano", countdown=1.1, serializer=serializer)

    result.get(timeout=PATIENCE)

    [started] = cluster.journal.times("start", key)
    assert 1.1 <= started - published < 20


def test_an_expired_message_does_not_run(cluster: MixedCluster, key: str) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    result = cluster.celery_1.tasks["shop.work"].apply_async((key,), queue="to-sedano", expires=past)

    with pytest.raises(celerys.TaskRevokedError):
        result.get(timeout=PATIENCE)

    assert cluster.journal.times("start", key) == []


def test_a_hard_time_limit_is_kept(cluster: MixedCluster, key: str) -> None:
    result = cluster.celery_1.tasks["shop.dawdle"].apply_async((key,), queue="to-sedano", time_limit=1)

    with pytest.raises(TimeLimitExceeded):
        result.get(timeout=PATIENCE)


def test_a_group_is_run(cluster: MixedCluster) -> None:
    add = cluster.celery_1.tasks["shop.add"]

    result = group(add.s(number, 1).set(queue="to-sedano") for number in range(3)).apply_async()

    assert result.get(timeout=PATIENCE) == [1, 2, 3]


def test_a_callback_is_run_after_its_task(cluster: MixedCluster, key: str) -> None:
    tasks = cluster.celery_1.tasks
    link = tasks["shop.work"].si(f"{key}-after").set(queue="to-sedano")

    result = tasks["shop.work"].apply_async((key,), queue="to-sedano", link=link)

    assert result.get(timeout=PATIENCE) == key
    wait_until(lambda: cluster.journal.times("done", f"{key}-after"), what="the callback has run")


def test_an_error_callback_is_run_when_its_task_fails(cluster: MixedCluster, key: str) -> None:
    tasks = cluster.celery_1.tasks
    blame = tasks["shop.blame"].si(key).set(queue="to-sedano")

    tasks["shop.take"].apply_async(("pears", 1), queue="to-sedano", link_error=blame)

    wait_until(lambda: cluster.journal.times("blame", key), what="the error callback has run")


def test_what_cannot_be_read_is_buried_and_its_caller_told(cluster: MixedCluster, key: str) -> None:
    result = cluster.celery_1.tasks["shop.work"].apply_async((key,), queue="to-sedano", serializer="pickle")

    with pytest.raises(ContentDisallowed):
        result.get(timeout=PATIENCE)

    assert "ContentDisallowed" in buried(cluster, result.id).reason
    assert cluster.journal.times("start", key) == []
