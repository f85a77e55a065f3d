"""Schedulers that are killed: whatever dies, the schedule goes on, and no run is started twice."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from tests.acceptance.beats import KILLS, Place, kill_the_busiest, project_at, site_in
from tests.servers.redis_groups import private_cluster
from tests.servers.redis_server import RedisServer

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]

#: Seconds, in which the busiest scheduler is killed five times. With `BEAT_SECONDS=60` one dies every ten
#: seconds; every day one dies every 2.5, on all places at the same time, which is harder, and sooner over.
LASTS: Final = int(os.environ.get("BEAT_SECONDS", "15"))
#: No two runs of the entry of one second are farther apart. Seconds.
LONGEST_GAP: Final = 3.0

Opener: TypeAlias = Callable[[pytest.FixtureRequest, Path], AbstractContextManager[Place]]


def on_sqlite(_: pytest.FixtureRequest, folder: Path) -> AbstractContextManager[Place]:
    return project_at(folder, f"sqlite:///{folder}/queue.db")


def on_django(_: pytest.FixtureRequest, folder: Path) -> AbstractContextManager[Place]:
    return site_in(folder)


def on_redis(request: pytest.FixtureRequest, folder: Path) -> AbstractContextManager[Place]:
    server: RedisServer = request.getfixturevalue("started_server")
    server.client.flushall()
    return project_at(folder, server.url)


@contextmanager
def on_redis_cluster(_: pytest.FixtureRequest, folder: Path) -> Iterator[Place]:
    with (
        private_cluster(folder) as nodes,
        project_at(folder, f"redis+cluster://127.0.0.1:{nodes[0].port}") as place,
    ):
        yield place


@contextmanager
def on_rabbitmq(request: pytest.FixtureRequest, folder: Path) -> Iterator[Place]:
    rabbitmq = request.getfixturevalue("rabbitmq")
    url = rabbitmq.new_vhost()
    with project_at(folder, url, f"sqlite:///{folder}/results.db") as place:
        yield place
    rabbitmq.give_back(url)


PLACES: Final[Mapping[str, Opener]] = {
    "sqlite": on_sqlite,
    "django": on_django,
    "redis": on_redis,
    "redis cluster": on_redis_cluster,
    "rabbitmq": on_rabbitmq,
}
NOT_ONE_STEP: Final = ("redis cluster", "rabbitmq")


@pytest.fixture
def places(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Place]]:
    """Those whose servers are there."""
    opened: dict[str, Place] = {}
    with ExitStack() as stack:
        for name, open_place in PLACES.items():
            folder = tmp_path_factory.mktemp(name.replace(" ", "-"))
            with contextlib.suppress(pytest.skip.Exception):
                opened[name] = stack.enter_context(open_place(request, folder))
        yield opened


def test_the_schedule_goes_on_while_schedulers_are_killed(places: Mapping[str, Place]) -> None:
    # On all places at the same time: most of it is waiting.
    with ThreadPoolExecutor(len(places)) as pool:
        rhythms = pool.map(lambda place: kill_the_busiest(place, LASTS), places.values())
        found = dict(zip(places, rhythms, strict=True))

    for place, rhythm in found.items():
        print(place, rhythm)
        assert abs(rhythm.count - LASTS) <= 1, place
        assert rhythm.longest_gap < LONGEST_GAP, place
        # Each message is of a tick of its own, and each tick of a second of its own.
        runs, seconds = rhythm.after.runs, rhythm.after.since - rhythm.before.since
        assert len(set(rhythm.ids)) == runs <= round(seconds), place
        # Elsewhere than in one step, one that dies between publishing and noting that leaves a message twice.
        assert len(rhythm.ids) - runs <= (KILLS if place in NOT_ONE_STEP else 0), place
        assert set(rhythm.codes) == {0}, place
