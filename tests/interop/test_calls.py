"""Calls between Celery and us over each broker: real clients, real workers, both ways."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import pytest
import redis
from billiard.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded
from celery import exceptions as celerys

from sedano import exceptions as ours
from tests.acceptance.workers import wait_until
from tests.interop.mixed_cluster import MixedCluster, WorkerProcess
from tests.interop.shop import OutOfStock
from tests.interop.way import CELERY_TO_SEDANO, PATIENCE, Way

pytestmark = pytest.mark.acceptance


def test_a_result_comes_back_to_the_client(way: Way) -> None:
    result = way.publish("shop.add", 2, 3)

    assert result.get(timeout=PATIENCE) == 5
    assert result.state == "SUCCESS"
    assert result.successful()


def test_delay_is_enough(cluster: MixedCluster, way: Way) -> None:
    result = cluster.app(way.client).tasks["shop.echo"].delay(value={"deep": [1, None, "ä"]})

    assert result.get(timeout=PATIENCE) == {"deep": [1, None, "ä"]}


def test_a_result_can_be_read_by_the_other_library(cluster: MixedCluster, way: Way) -> None:
    result = way.publish("shop.add", 2, 3)
    result.get(timeout=PATIENCE)

    read = cluster.app(way.worker).AsyncResult(result.id)

    assert read.get(timeout=PATIENCE) == 5
    assert (read.state, read.name, read.retries) == ("SUCCESS", "shop.add", 0)
    assert read.args == [2, 3]
    assert read.queue == way.queue
    assert read.date_done is not None


def test_a_forgotten_result_is_gone_for_both(cluster: MixedCluster, way: Way) -> None:
    result = way.publish("shop.add", 2, 3)
    result.get(timeout=PATIENCE)

    result.forget()

    assert cluster.app(way.worker).AsyncResult(result.id).state == "PENDING"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(datetime(2026, 11, 22, 4, 55, 37, 678, tzinfo=UTC), id="datetime"),
        pytest.param(Decimal("1.10"), id="decimal"),
        pytest.param(UUID(int=7), id="uuid"),
        pytest.param("ä \U0001f600 \x00", id="odd text"),
        pytest.param([[], {}, {"deep": [1.5, None, True, 2**100]}], id="deep"),
    ],
)
def test_values_go_there_and_back(way: Way, value: Any) -> None:
    assert way.publish("shop.echo", value).get(timeout=PATIENCE) == value


@pytest.mark.parametrize("serializer", ["json", "yaml", "msgpack"])
def test_every_serializer_is_read(way: Way, serializer: str) -> None:
    result = way.publish("shop.echo", {"items": [1, "zwei", None]}, serializer=serializer)

    assert result.get(timeout=PATIENCE) == {"items": [1, "zwei", None]}


@pytest.mark.parametrize("compression", ["gzip", "bzip2", "lzma"])
@pytest.mark.parametrize("serializer", ["json", "msgpack", "yaml"])
def test_compressed_messages_are_read(way: Way, compression: str, serializer: str) -> None:
    text = "again and " * 2000

    result = way.publish("shop.echo", text, compression=compression, serializer=serializer)

    assert result.get(timeout=PATIENCE) == text


def test_the_request_says_what_the_client_said(way: Way) -> None:
    options = {
        "shadow": "shop.shown",
        "headers": {"colour": "red"},
        "time_limit": 40,
        "soft_time_limit": 30,
        "priority": 5,
        "task_id": f"order-{time.monotonic_ns()}",
    }
    result = way.publish("shop.describe", 1, kwargs={"two": 2}, **options)

    told = result.get(timeout=PATIENCE)

    assert told["id"] == told["root_id"] == told["correlation_id"] == options["task_id"]
    assert (told["parent_id"], told["retries"]) == (None, 0)
    assert (told["argsrepr"], told["kwargsrepr"]) == ("(1,)", "{'two': 2}")
    assert (told["shadow"], told["colour"], told["timelimit"]) == ("shop.shown", "red", [40, 30])
    assert (told["queue"], told["priority"]) == (way.queue, 5)


def test_an_error_of_the_users_own_is_rebuilt(way: Way) -> None:
    result = way.publish("shop.take", "pears", 3)

    with pytest.raises(OutOfStock) as raised:
        result.get(timeout=PATIENCE)

    assert (raised.value.item, raised.value.missing) == ("pears", 3)
    assert result.state == "FAILURE"
    assert "raise OutOfStock(item, missing)" in result.traceback


def test_a_builtin_error_is_rebuilt(way: Way) -> None:
    result = way.publish("shop.look_up", "pears")

    with pytest.raises(KeyError, match="pears"):
        result.get(timeout=PATIENCE)


def test_a_wrong_call_fails_in_the_worker(way: Way) -> None:
    result = way.cluster.app(way.client).send_task("shop.add", args=(1,), queue=way.queue)

    with pytest.raises(TypeError, match="'y'"):
        result.get(timeout=PATIENCE)


def test_a_failed_task_is_retried_until_it_succeeds(way: Way, key: str) -> None:
    result = way.publish("shop.try_again", key, 2)

    assert result.get(timeout=PATIENCE) == 2
    assert len(way.cluster.journal.times("start", key)) == 3


def test_a_task_out_of_retries_fails_with_its_error(way: Way, key: str) -> None:
    result = way.publish("shop.try_again", key, 9)

    with pytest.raises(OutOfStock):
        result.get(timeout=PATIENCE)

    assert len(way.cluster.journal.times("start", key)) == 4


def test_a_countdown_is_kept(way: Way, key: str) -> None:
    published = time.time()

    way.publish("shop.work", key, countdown=1.1).get(timeout=PATIENCE)

    [started] = way.cluster.journal.times("start", key)
    assert 1.1 <= started - published < 20


def test_an_eta_in_another_time_zone_is_kept(way: Way, key: str) -> None:
    eta = datetime.now(UTC).astimezone() + timedelta(seconds=1.1)

    way.publish("shop.work", key, eta=eta).get(timeout=PATIENCE)

    [started] = way.cluster.journal.times("start", key)
    assert 0.0 <= started - eta.timestamp() < 20


@pytest.mark.parametrize("way", [CELERY_TO_SEDANO], indirect=True)
def test_an_eta_of_celerys_is_kept_to_the_tenth_of_a_second(way: Way, key: str) -> None:
    now = datetime.now(UTC)
    etas = [now + timedelta(seconds=0.5 + number * 0.17) for number in range(10)]
    results = [way.publish("shop.work", f"{key}-{number}", eta=eta) for number, eta in enumerate(etas)]
    for result in results:
        result.get(timeout=PATIENCE)

    late = sorted(
        way.cluster.journal.times("start", f"{key}-{number}")[0] - eta.timestamp()
        for number, eta in enumerate(etas)
    )
    assert late[0] >= 0.0
    # Some may meet a busy machine.
    assert median(late) < 0.1


@pytest.mark.parametrize("priority", [0, 3, 6, 9])
@pytest.mark.parametrize("way", [CELERY_TO_SEDANO], indirect=True)
def test_an_idle_worker_of_ours_starts_celerys_tasks_at_once(way: Way, key: str, priority: int) -> None:
    late: list[float] = []
    for number in range(9):
        published = time.time()
        way.publish("shop.work", f"{key}-{number}", priority=priority).get(timeout=PATIENCE)
        late.append(way.cluster.journal.times("start", f"{key}-{number}")[0] - published)

    assert median(late) < 0.1


def test_an_expired_task_does_not_run(way: Way, key: str) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)

    result = way.publish("shop.work", key, expires=past)

    _wait_until_expired(way, result, way.queue)
    assert way.cluster.journal.times("start", key) == []


def test_a_task_that_expires_while_it_waits_does_not_run(
    way: Way, start: Callable[..., WorkerProcess], queue: str, key: str
) -> None:
    result = way.publish("shop.work", key, queue=queue, expires=0.1)

    start(way.worker, "-c", "1", "-Q", queue).wait_until_ready()

    _wait_until_expired(way, result, queue)
    assert way.cluster.journal.times("start", key) == []


def _wait_until_expired(way: Way, result: Any, queue: str) -> None:
    if way.client == "celery" and way.cluster.url.startswith("amqp"):
        # RabbitMQ, which Celery's client has told, drops the message, and nobody tells the caller.
        assert way.publish("shop.add", 2, 3, queue=queue).get(timeout=PATIENCE) == 5
        return
    with pytest.raises(celerys.TaskRevokedError if way.client == "celery" else ours.TaskRevokedError):
        result.get(timeout=PATIENCE)
    assert result.state == "REVOKED"


def test_a_task_that_expires_later_runs(way: Way, key: str) -> None:
    result = way.publish("shop.work", key, expires=60)

    assert result.get(timeout=PATIENCE) == key


def test_an_ignored_result_is_not_stored(way: Way, key: str, redis_url: str) -> None:
    result = way.publish("shop.work", key, ignore_result=True)

    # The worker of the other library runs one after another: what it runs later is done later.
    wait_until(lambda: way.cluster.journal.times("done", key))
    for _ in range(4):
        way.publish("shop.add", 1, 1).get(timeout=PATIENCE)

    with redis.Redis.from_url(redis_url) as client:
        assert client.exists(f"celery-task-meta-{result.id}") == 0


def test_a_state_of_the_users_own_is_seen_while_the_task_runs(way: Way, tmp_path: Path) -> None:
    released = tmp_path / "released"
    result = way.publish("shop.count_up", str(released))

    wait_until(lambda: result.state == "PROGRESS")
    assert result.info == {"current": 1, "total": 2}
    released.touch()

    assert result.get(timeout=PATIENCE) == "finished"


def test_a_soft_time_limit_of_the_message_is_kept(way: Way, key: str) -> None:
    result = way.publish("shop.dawdle", key, soft_time_limit=1)

    with pytest.raises(SoftTimeLimitExceeded if way.client == "celery" else ours.SoftTimeLimitExceeded):
        result.get(timeout=PATIENCE)


def test_a_hard_time_limit_of_the_message_is_kept(way: Way, key: str) -> None:
    result = way.publish("shop.dawdle", key, time_limit=1)

    with pytest.raises(TimeLimitExceeded if way.client == "celery" else ours.TimeLimitExceeded):
        result.get(timeout=PATIENCE)
