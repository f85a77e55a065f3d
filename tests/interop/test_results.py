"""Results in Redis that one library stores and the other reads: each reads the other's as its own."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.acceptance.workers import wait_until
from tests.interop.mixed_cluster import LIBRARIES, Library, MixedCluster
from tests.interop.shop import OutOfStock
from tests.interop.way import CELERY_TO_SEDANO, PATIENCE, SEDANO_TO_CELERY, Way

pytestmark = pytest.mark.acceptance


def test_a_failure_can_be_read_by_the_other_library(cluster: MixedCluster, way: Way) -> None:
    result = way.publish("shop.take", "pears", kwargs={"missing": 3})
    with pytest.raises(OutOfStock):
        result.get(timeout=PATIENCE)

    read = cluster.app(way.worker).AsyncResult(result.id)

    assert read.failed()
    with pytest.raises(OutOfStock) as raised:
        read.get(timeout=PATIENCE)
    assert (raised.value.item, raised.value.missing) == ("pears", 3)
    assert read.traceback == result.traceback
    assert (read.name, read.args, read.kwargs) == ("shop.take", ["pears"], {"missing": 3})
    assert (read.retries, read.queue) == (0, way.queue)


def test_the_start_of_a_task_is_seen(way: Way, cluster: MixedCluster, tmp_path: Path) -> None:
    released = tmp_path / "released"
    result = way.publish("shop.hold", str(released))
    read = cluster.app(way.worker).AsyncResult(result.id)

    wait_until(lambda: result.state == "STARTED")
    assert read.state == "STARTED"
    assert set(result.info) == {"pid", "hostname"}
    released.touch()

    assert result.get(timeout=PATIENCE) == "released"


def test_a_retry_is_seen_while_it_waits(way: Way, cluster: MixedCluster, key: str) -> None:
    result = way.publish("shop.try_again", key, 1, kwargs={"seconds": 1.0})
    read = cluster.app(way.worker).AsyncResult(result.id)

    wait_until(lambda: result.state == "RETRY")
    assert read.state == "RETRY"
    assert isinstance(read.result, OutOfStock)
    assert isinstance(result.result, OutOfStock)

    assert result.get(timeout=PATIENCE) == 1


def test_a_task_that_a_task_called_knows_its_parent(way: Way, cluster: MixedCluster) -> None:
    result = way.publish("shop.order", f"to-{way.client}")

    child = cluster.app(way.client).AsyncResult(result.get(timeout=PATIENCE))

    told = child.get(timeout=PATIENCE)
    assert (told["root_id"], told["parent_id"]) == (result.id, result.id)
    read = cluster.celery.AsyncResult(result.id)
    assert [one.id for one in read.children] == [child.id]


@pytest.mark.parametrize("serializer", ["msgpack", "yaml"])
def test_every_serializer_of_results_is_read(redis_url: str, tmp_path: Path, serializer: str) -> None:
    cluster = MixedCluster(redis_url.replace("/0", "/2"), tmp_path, {"result_serializer": serializer})
    try:
        for library in LIBRARIES:
            cluster.start(library, "-c", "1", "-Q", f"to-{library}")
        for way in (Way(cluster, *CELERY_TO_SEDANO), Way(cluster, *SEDANO_TO_CELERY)):
            value = {"items": [1, "zwei", None, 1.5]}
            assert way.publish("shop.echo", value).get(timeout=PATIENCE) == value
            with pytest.raises(OutOfStock):
                way.publish("shop.take", "pears", 3).get(timeout=PATIENCE)
    finally:
        cluster.close()


class TestDocuments:
    """For the same call, workers of both libraries store the same document."""

    @pytest.fixture(params=["shop.add", "shop.take", "shop.look_up", "shop.echo"])
    def call(self, request: pytest.FixtureRequest) -> tuple[str, Any, Any]:
        """Name, positional and keyword arguments."""
        calls = {
            "shop.add": ((2, 3), {}),
            "shop.take": (("pears",), {"missing": 3}),
            "shop.look_up": (("pears",), {}),
            "shop.echo": (([datetime(2026, 11, 22, tzinfo=UTC), "ä \ud800", 1.5, None],), {}),
        }
        return request.param, *calls[request.param]

    def test_of_a_finished_task(
        self, cluster: MixedCluster, redis_url: str, call: tuple[str, Any, Any]
    ) -> None:
        name, args, kwargs = call

        ours, celerys = self._documents(cluster, redis_url, name, args, kwargs=kwargs)

        assert ours == celerys
        assert ours["children"] == []

    def test_of_a_task_of_a_group(self, cluster: MixedCluster, redis_url: str) -> None:
        options = {"group_id": "a-group", "group_index": 1, "root_id": "a-root", "parent_id": "a-parent"}

        ours, celerys = self._documents(cluster, redis_url, "shop.add", (2, 3), **options)

        assert ours == celerys
        assert (ours["group_id"], ours["parent_id"]) == ("a-group", "a-parent")

    def test_of_an_expired_task(self, cluster: MixedCluster, redis_url: str, key: str) -> None:
        past = datetime.now(UTC) - timedelta(seconds=1)

        ours, celerys = self._documents(cluster, redis_url, "shop.work", (key,), expires=past)

        assert ours == celerys
        assert ours["status"] == "REVOKED"

    def test_of_a_retried_task(self, cluster: MixedCluster, redis_url: str, key: str) -> None:
        ours, celerys = self._documents(cluster, redis_url, "shop.try_again", (key, 1))

        # Celery has a task that is retried be its own parent.
        assert (ours.pop("parent_id"), celerys.pop("parent_id")) == (None, "itself")
        assert ours == celerys
        assert ours["retries"] == 1

    @pytest.mark.parametrize("client", LIBRARIES)
    def test_of_a_task_of_either_client(self, cluster: MixedCluster, redis_url: str, client: Library) -> None:
        ours, celerys = self._documents(cluster, redis_url, "shop.take", ("pears", 3), client=client)

        assert ours == celerys

    def test_are_kept_equally_long(self, cluster: MixedCluster, redis_url: str) -> None:
        ids = [
            cluster.celery.tasks["shop.add"].apply_async((1, 1), queue=f"to-{library}")
            for library in LIBRARIES
        ]

        with redis.Redis.from_url(redis_url) as client:
            for result in ids:
                result.get(timeout=PATIENCE)
                left = client.ttl(f"celery-task-meta-{result.id}")
                assert 86_300 < left <= 86_400  # type: ignore[operator]

    def _documents(
        self,
        cluster: MixedCluster,
        url: str,
        name: str,
        args: Any,
        *,
        client: Library = "celery",
        **options: Any,
    ) -> list[Any]:
        """Ours and Celery's, without what differs from call to call."""
        documents = []
        for library in reversed(LIBRARIES):
            result = cluster.app(client).tasks[name].apply_async(args, queue=f"to-{library}", **options)
            result.get(timeout=PATIENCE, propagate=False)
            with redis.Redis.from_url(url) as server:
                found = json.loads(server.get(f"celery-task-meta-{result.id}"))  # type: ignore[arg-type]
            assert found.pop("task_id") == result.id
            assert datetime.fromisoformat(found.pop("date_done")).tzinfo is not None
            if "worker" in found:
                assert found.pop("worker")
                assert found.pop("queue") == f"to-{library}"
            found["traceback"] = _last_line(found["traceback"])
            found["parent_id"] = "itself" if found.get("parent_id") == result.id else found.get("parent_id")
            documents.append(found)
        return documents


def _last_line(traceback: str | None) -> str | None:
    return None if traceback is None else traceback.strip().splitlines()[-1]
