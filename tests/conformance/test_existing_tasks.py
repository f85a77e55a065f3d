"""``AsyncResult.exists`` tells the tasks that were published from those that were not, on every broker."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sedano import Sedano, states
from sedano.brokers.lease import Lease
from sedano.brokers.settlement import Bury, Finish, Park, Requeue, Settlement
from sedano.errors import BrokerUnavailable, ResultStoreError
from sedano.results import celery_meta
from sedano.results.result_write import ResultWrite
from sedano.results.task_meta import TaskMeta
from tests.servers.redis_server import RedisServer

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["memory", "sqlite", "redis"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sedano]:
    if request.param == "redis":
        url = request.getfixturevalue("server").url
    else:
        url = {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path}/queue.db"}[request.param]
    with Sedano("proj", broker=url, backend=url, set_as_current=False) as app:
        yield app


@pytest.fixture
def lease(app: Sedano) -> Lease:
    assert app.results is not None
    joint = app.results.joint_with(app.broker.location)
    return app.broker.lease("w1@host", duration=timedelta(seconds=60), results=joint)


@pytest.fixture
def failure(app: Sedano) -> Callable[[str], ResultWrite]:
    def written(task_id: str) -> ResultWrite:
        meta = TaskMeta.failed(task_id, ValueError("no"), finished_at=NOW)
        return celery_meta.to_write(meta, app.settings.results, now=app.clock.timestamp())

    return written


def settle(lease: Lease, settlement: Callable[[int], Settlement]) -> None:
    """Claim the one message that is there, and settle it."""
    (delivery,) = lease.claim(["celery"], 10).deliveries
    lease.claim(["celery"], 0, [settlement(delivery.tag)])


def test_nobody_knows_an_id_that_was_never_published(app: Sedano) -> None:
    app.send_task("proj.ping")

    never = app.AsyncResult("never")

    assert (never.exists(), never.state) == (False, states.PENDING)


def test_a_message_that_waits_exists(app: Sedano) -> None:
    ready = app.send_task("proj.ping", queue="waits")
    scheduled = app.send_task("proj.ping", queue="waits", countdown=3600)

    assert (ready.exists(), scheduled.exists()) == (True, True)
    assert (ready.state, scheduled.state) == (states.PENDING, states.PENDING)


def test_a_message_that_a_node_holds_exists(app: Sedano, lease: Lease) -> None:
    result = app.send_task("proj.ping", queue="held")

    lease.claim(["held"], 10)

    assert result.exists()


@pytest.mark.parametrize("settlement", [Park, Requeue])
def test_a_message_that_was_set_aside_or_given_back_exists(
    app: Sedano, lease: Lease, settlement: Callable[[int], Settlement]
) -> None:
    app.broker.admin.purge("celery")
    result = app.send_task("proj.ping")

    settle(lease, settlement)

    assert result.exists()


@pytest.mark.parametrize("kept", [True, False])
def test_a_task_that_has_ended_exists_where_its_result_does(
    app: Sedano, lease: Lease, failure: Callable[[str], ResultWrite], kept: bool
) -> None:
    app.broker.admin.purge("celery")
    result = app.send_task("proj.ping")

    settle(lease, lambda tag: Finish(tag, failure(result.id) if kept else None))

    assert app.AsyncResult(result.id).exists() is kept


def test_a_buried_task_exists_where_its_result_does(
    app: Sedano, lease: Lease, failure: Callable[[str], ResultWrite]
) -> None:
    app.broker.admin.purge("celery")
    result = app.send_task("proj.ping")

    settle(lease, lambda tag: Bury(tag, "no use", result=failure(result.id)))

    assert result.exists()


def test_servers_that_are_away_are_told_of(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    with (
        Sedano("proj", broker=server.url, backend="memory://", set_as_current=False) as without_broker,
        Sedano("proj", broker="memory://", backend=server.url, set_as_current=False) as without_store,
    ):
        server.stop()

        with pytest.raises(BrokerUnavailable):
            without_broker.AsyncResult("a").exists()
        with pytest.raises(ResultStoreError):
            without_store.AsyncResult("a").exists()
