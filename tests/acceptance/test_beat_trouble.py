"""Schedulers whose claims and messages are in two places that no step reaches; servers that go away."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from sedano.redis.cluster_link import slot_of
from tests.acceptance.beats import PROJECT, Beat, Place, project_at, site_in
from tests.acceptance.workers import Worker, wait_until
from tests.servers.rabbitmq_server import RabbitServer
from tests.servers.redis_groups import private_cluster, private_redis
from tests.servers.redis_server import RedisServer

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]

#: A project, and the server that its messages are in.
Apart: TypeAlias = tuple[Place, RedisServer | RabbitServer]

#: The entry is due often, and schedulers lose patience soon.
QUICK = {"PROJECT_EVERY": "0.25", "PROJECT_PUBLISH_TIMEOUT": "0.5"}

UNPUBLISHED = "sedano:{schedule}:unpublished"


@pytest.fixture(
    params=["redis cluster", "rabbitmq beside sqlite", "rabbitmq beside redis", "rabbitmq beside django"]
)
def apart(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Apart]:
    if request.param == "redis cluster":
        with private_cluster(tmp_path / "cluster") as nodes:
            schedule, queue = (nodes[slot_of(key) * 3 // 16384] for key in (UNPUBLISHED, "celery"))
            assert schedule is not queue
            with project_at(tmp_path, f"redis+cluster://127.0.0.1:{nodes[0].port}", **QUICK) as place:
                yield place, queue
        return
    if request.param == "rabbitmq beside django":
        with site_in(tmp_path, request.getfixturevalue("amqp_url")) as place:
            yield place, request.getfixturevalue("rabbitmq")
        return
    results = f"sqlite:///{tmp_path}/results.db"
    if request.param == "rabbitmq beside redis":
        results = request.getfixturevalue("server").url
    url = request.getfixturevalue("amqp_url")
    with project_at(tmp_path, url, results, **QUICK) as place:
        yield place, request.getfixturevalue("rabbitmq")


def test_what_a_killed_scheduler_had_claimed_and_not_published_another_one_publishes(
    apart: Apart,
) -> None:
    place, server = apart
    dying = place.start_beat()
    wait_until(place.published, what="the first run")

    server.freeze()
    try:
        wait_until(lambda: place.claims.unpublished(limit=1), what="a run that was claimed")
        dying.kill()
    finally:
        server.thaw()
    left = {one.publication.task_id for one in place.claims.unpublished(limit=10)}
    assert left
    other = place.start_beat()

    wait_until(lambda: left <= set(place.published()), what="the run that was left")
    wait_until(lambda: not place.claims.unpublished(limit=1), what="it is forgotten")
    wait_until(lambda: other.started >= 1, what="the next run")
    assert other.stop() == 0

    found, runs = place.published(), place.state().runs
    assert len(set(found)) == runs
    # The server may have taken what the dead one sent, before the other published it once more.
    assert len(found) <= runs + len(left)


@pytest.mark.parametrize("results", [None, "rpc://"])
def test_where_nothing_can_hold_the_claims_no_scheduler_starts(
    tmp_path: Path, amqp_url: str, results: str | None
) -> None:
    (tmp_path / "scheduled.py").write_text(PROJECT)
    env = {"PROJECT_BROKER": amqp_url, **({"PROJECT_RESULTS": results} if results else {})}

    alone = Beat(tmp_path, env=env)
    beside = Worker(tmp_path, "-B", "-c", "1", app="scheduled", env=env)
    try:
        for process in (alone, beside):
            assert process.wait() == 2
            assert "broker keeps messages and nothing else" in process.text()
            assert "result_backend on Redis, SQLite or Django's database" in process.text()
            assert "Traceback" not in process.text()
    finally:
        alone.kill()
        beside.kill()


def test_what_is_due_while_the_broker_is_away_runs_when_it_is_back(tmp_path: Path) -> None:
    with (
        private_redis(tmp_path / "redis", "--appendonly", "yes", "--appendfsync", "always") as server,
        project_at(tmp_path, server.url, **QUICK) as place,
    ):
        server.kill()
        beats = [place.start_beat() for _ in range(2)]
        wait_until(lambda: all(beat.waits for beat in beats), what="they wait")
        server.start()
        wait_until(lambda: sum(beat.started for beat in beats) >= 2, what="two runs")
        server.kill()
        wait_until(lambda: all(beat.waits for beat in beats), what="they know")
        server.start()
        before = sum(beat.started for beat in beats)
        wait_until(lambda: sum(beat.started for beat in beats) >= before + 3, what="three more")
        place.kill_all()

        ids = place.published()
        assert len(set(ids)) == len(ids) == place.state().runs
