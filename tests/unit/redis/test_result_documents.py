"""What the Redis result store leaves on the server: Celery's keys and documents, each for its time."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import kombu.serialization
import pytest
from celery import Celery
from celery.backends.redis import RedisBackend

from sedano.results import celery_meta
from sedano.results.opening import open_result_store
from sedano.results.result_write import ResultWrite
from sedano.results.store import ResultStore
from sedano.results.task_meta import TaskMeta
from sedano.settings.sections import ResultSettings
from tests.servers.redis_groups import NEVER, wait_until
from tests.servers.redis_server import RedisServer

#: Celery's backend stores with SETEX, which redis-py deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")

SUCCEEDED = b'{"status": "SUCCESS", "result": 1, "traceback": null, "children": [], "date_done": null}'


@pytest.fixture
def results(server: RedisServer) -> Iterator[ResultStore]:
    results = open_result_store(server.url)
    yield results
    results.close()


# -- a SUCCESS is final, however it is written


@pytest.mark.parametrize("serializer", ["json", "pickle", "yaml", "msgpack"])
@pytest.mark.parametrize("state", ["SUCCESS", "FAILURE", "RETRY", "STARTED", "SUCCESSFUL", "X"])
def test_a_stored_success_is_known_in_any_serializer(
    server: RedisServer, results: ResultStore, serializer: str, state: str
) -> None:
    meta = {"status": state, "result": "SUCCESS\nstatus: SUCCESS\n", "traceback": None, "children": []}
    _, _, document = kombu.serialization.dumps(meta, serializer=serializer)
    server.client.set("celery-task-meta-a", document)

    results.put([ResultWrite("a", "FAILURE", b"later")])

    assert (results.get("a") != b"later") == (state == "SUCCESS")


@pytest.mark.parametrize("state", ["SUCCESS", "FAILURE"])
def test_a_stored_success_is_known_wherever_the_state_stands(
    server: RedisServer, results: ResultStore, state: str
) -> None:
    other = "FAILURE" if state == "SUCCESS" else "SUCCESS"
    document = {"result": {"deep": {"status": other}}, "children": [], "date_done": None, "status": state}
    server.client.set("celery-task-meta-a", json.dumps(document))

    results.put([ResultWrite("a", "FAILURE", b"later")])

    assert (results.get("a") != b"later") == (state == "SUCCESS")


# -- Celery reads what we store, and we read what Celery stores


@pytest.fixture(params=["json", "pickle", "yaml", "msgpack"])
def serializer(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def celery_backend(server: RedisServer, serializer: str) -> Iterator[RedisBackend]:
    app = Celery("shop", broker="memory://", backend=server.url, set_as_current=False)
    app.conf.update(
        result_serializer=serializer,
        accept_content=["json", "pickle", "yaml", "msgpack"],
        result_extended=True,
    )
    yield app.backend
    app.backend.result_consumer.stop()
    app.backend.client.close()
    app.close()


def test_celery_reads_what_we_store(
    results: ResultStore, celery_backend: RedisBackend, serializer: str
) -> None:
    settings = ResultSettings(serializer=serializer)
    now = datetime.now(UTC)
    failure = TaskMeta.failed("bad", ValueError("no", 7), finished_at=now, traceback="Traceback: ...")

    results.put(
        [
            celery_meta.to_write(meta, settings, now=now.timestamp())
            for meta in (TaskMeta.succeeded("good", {"sum": [3]}, finished_at=now), failure)
        ]
    )

    assert celery_backend.get_result("good") == {"sum": [3]}
    assert celery_backend.get_state("good") == "SUCCESS"
    assert isinstance(celery_backend.get_result("bad"), ValueError)
    assert celery_backend.get_result("bad").args == ("no", 7)
    assert celery_backend.get_traceback("bad") == "Traceback: ..."


def test_we_read_what_celery_stores(
    results: ResultStore, celery_backend: RedisBackend, serializer: str
) -> None:
    celery_backend.store_result("good", {"sum": [3]}, "SUCCESS")
    celery_backend.store_result("bad", ValueError("no", 7), "FAILURE", traceback="Traceback: ...")

    documents = results.get_many(["good", "bad"])
    good = celery_meta.decode("good", documents["good"], serializer=serializer)
    bad = celery_meta.decode("bad", documents["bad"], serializer=serializer)

    assert (good.status, good.result) == ("SUCCESS", {"sum": [3]})
    assert (bad.status, bad.traceback) == ("FAILURE", "Traceback: ...")
    assert isinstance(bad.result, ValueError) and bad.result.args == ("no", 7)


def test_neither_side_writes_over_a_success_of_the_other(
    results: ResultStore, celery_backend: RedisBackend, serializer: str
) -> None:
    settings, now = ResultSettings(serializer=serializer), datetime.now(UTC)
    ours = celery_meta.to_write(TaskMeta.succeeded("ours", 1, finished_at=now), settings, now=now.timestamp())
    late = celery_meta.to_write(
        TaskMeta.failed("theirs", ValueError(), finished_at=now), settings, now=now.timestamp()
    )

    results.put([ours])
    celery_backend.store_result("theirs", 2, "SUCCESS")
    results.put([late])
    celery_backend.store_result("ours", ValueError(), "FAILURE")

    assert results.get("ours") == ours.document
    assert celery_backend.get_result("theirs") == 2


def test_one_who_waits_with_celery_is_told_of_our_result(
    results: ResultStore, celery_backend: RedisBackend, serializer: str
) -> None:
    waiting = celery_backend.app.AsyncResult("a")
    celery_backend.result_consumer.consume_from("a")
    settings, now = ResultSettings(serializer=serializer), datetime.now(UTC)
    write = celery_meta.to_write(TaskMeta.succeeded("a", 42, finished_at=now), settings, now=now.timestamp())
    timer = threading.Timer(0.05, results.put, ([write],))
    timer.start()

    assert waiting.get(timeout=NEVER) == 42
    timer.join()


def test_one_who_waits_with_us_is_told_of_celerys_result(
    server: RedisServer, results: ResultStore, celery_backend: RedisBackend
) -> None:
    found: list[bytes | None] = []
    thread = threading.Thread(target=lambda: found.append(wait_for_a(results)))
    thread.start()
    wait_until(lambda: server.client.pubsub_numsub("celery-task-meta-a")[0][1] == 1)

    celery_backend.store_result("a", 42, "SUCCESS")
    thread.join()

    assert found != [None]


# -- what is left behind


def test_a_result_has_the_time_to_live_it_came_with(server: RedisServer, results: ResultStore) -> None:
    results.put([ResultWrite("a", "SUCCESS", SUCCEEDED, time.time() + 100)])
    results.put([ResultWrite("b", "SUCCESS", SUCCEEDED)])

    assert set(server.client.keys()) == {b"celery-task-meta-a", b"celery-task-meta-b"}
    assert 95 < server.client.ttl("celery-task-meta-a") <= 100
    assert server.client.ttl("celery-task-meta-b") == -1


def test_a_success_in_a_form_of_the_users_own_leaves_nothing_behind_either(
    server: RedisServer, results: ResultStore
) -> None:
    results.put([ResultWrite("a", "SUCCESS", b"sealed", time.time() + 100)])
    results.put([ResultWrite("b", "SUCCESS", b"sealed", time.time() + 100)])

    results.forget("b")

    left = list(server.client.scan_iter())
    assert sorted(key[:18] for key in left) == [b"celery-task-meta-a"] * 2
    assert all(95 < server.client.ttl(key) <= 100 for key in left)


def test_keys_have_the_prefix_as_celery_writes_it(server: RedisServer) -> None:
    results = open_result_store(server.url, options={"global_keyprefix": "shop"})
    results.put([ResultWrite("a", "SUCCESS", SUCCEEDED)])
    results.close()

    assert server.client.keys() == [b"shop_celery-task-meta-a"]


def test_a_forgotten_script_is_sent_again(server: RedisServer, results: ResultStore) -> None:
    results.put([ResultWrite("a", "SUCCESS", b"first")])

    server.client.script_flush()
    results.put([ResultWrite("b", "SUCCESS", b"second")])

    assert results.get("b") == b"second"


def wait_for_a(results: ResultStore) -> bytes | None:
    """As ``AsyncResult.get`` does."""
    deadline = time.monotonic() + NEVER
    while (document := results.get("a")) is None and time.monotonic() < deadline:
        results.wait(["a"], None)
    return document
